"""Values to plant in tests, by label; put together here so that no scanner takes this file for a leak."""

HEX = "0123456789abcdef"
KEY = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"

PLANTED: dict[str, tuple[str, ...]] = {
    "EMAIL": (
        "alice@example.com",
        "Alice.O'Neil+tag@mail.example.co.uk",
        "jos\u00e9.n\u00fa\u00f1ez@example.org",
        "x_1@ex-ample.io",
        "a%40example.com",
    ),
    "PHONE": (
        "555-123-4567",
        "(415) 555-2671",
        "415.555.2671",
        "+1 415 555 2671",
        "+14155552671",
        "+49 30 1234567",
        "+44 (0)20 7946 0958",
        "0049 170 1234567",
        "020 7946 0958",
        "06 12 34 56 78",
        "555-0142",
    ),
    "CARD": (
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555 5555 5555 4444",
        "378282246310005",
        "3782 822463 10005",
        "6011000990139424",
        "3530111333300000",
        "30569309025904",
    ),
    "SSN": ("123-45-6789", "078-05-1120", "536 22 1234"),
    "IBAN": (
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "de89370400440532013000",
    ),
    "IP": ("192.168.1.10", "8.8.8.8", "2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",),
    "OPENAI_KEY": ("sk-" + KEY, "sk-proj-" + KEY + "_" + KEY),
    "ANTHROPIC_KEY": ("sk-ant-" + "api03-" + KEY,),
    "AWS_KEY": ("AKIA" + "IOSFODNN7EXAMPLE",),
    "GITHUB_TOKEN": ("ghp_" + KEY + KEY[:8], "github_pat_" + KEY),
    "GOOGLE_KEY": ("AIza" + "Sy" + (KEY + HEX)[:33],),
    "SLACK_TOKEN": ("xoxb-" + "123456789012-" + KEY,),
    "STRIPE_KEY": ("sk_" + "live_" + KEY, "rk_" + "test_" + KEY),
    "LANGSMITH_KEY": ("lsv2_" + "pt_" + HEX + HEX + "_" + HEX[:10],),
    "PRIVATE_KEY": (
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow" + KEY + "\n" + KEY + "==\n-----END RSA " + "PRIVATE KEY-----",
    ),
}
ALL = [(label, value) for label, values in PLANTED.items() for value in values]
VALUES = [value for _, value in ALL]
