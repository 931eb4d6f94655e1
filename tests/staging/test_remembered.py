"""Settings that staging was begun with must not change unseen."""

from trajworker.staging import Staging


async def test_settings_that_are_pinned_to_other_values_are_told_with_these(staging: Staging) -> None:
    await staging.pin_settings({"out": "/a", "rules": "1"})
    assert await staging.altered({"out": "/a", "rules": "1", "later": "x"}) == {}
    assert await staging.altered({"out": "/b", "rules": "1"}) == {"out": "/a"}
    await staging.pin_settings({"out": "/b"})
    assert await staging.altered({"out": "/b", "rules": "1"}) == {}
