"""One server has one address in the settings, however it was spelt."""

import pytest

from trajworker.config.endpoint import root_of


@pytest.mark.parametrize(
    "given",
    [
        "https://api.smith.langchain.com",
        "https://api.smith.langchain.com/",
        "https://api.smith.langchain.com/api",
        "https://api.smith.langchain.com/api/v1/",
        " https://api.smith.langchain.com/api/v2\n",
        "HTTPS://API.smith.LangChain.com:443/api/",
        "https://api.smith.langchain.com:/?#",
    ],
)
def test_paths_that_users_copy_along_are_cut(given: str) -> None:
    assert root_of(given) == "https://api.smith.langchain.com"


def test_a_path_of_a_gateway_stays() -> None:
    assert root_of("http://127.0.0.1:1984/langsmith/api/v1") == "http://127.0.0.1:1984/langsmith"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.smith.langchain.com",
        "ftp://x",
        "https://",
        "https://user:pw@x",
        "https://x?key=1",
        "https://x#y",
        "http://x:99999",
        "http://x:0",
        "https://@x",
        "https://[x",
    ],
)
def test_what_is_no_bare_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="write "):
        root_of(given)
