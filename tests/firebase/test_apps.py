"""Apps by the real Admin SDK for Node, which alone has calls for them."""
import pytest

from ways import SdkError, WAYS

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


@pytest.mark.parametrize("way", [way for way in WAYS if way.name in ("node20-preload", "node24-preload")],
                         ids=lambda way: way.name)
def test_apps_are_made_changed_and_listed(sdks, way, name):
    sdk = sdks(way)
    package = "com.example." + name.replace("-", "_")
    made = sdk.createAndroidApp(packageName=package, displayName="My app")
    assert (made["packageName"], made["displayName"], made["platform"]) == (package, "My app", "ANDROID")
    changed = sdk.changeAndroidApp(appId=made["appId"], displayName="New name", shaHash=SHA1)
    assert (changed["displayName"], changed["certificate"], changed["left"]) == ("New name", SHA1, 0)
    assert [app["displayName"] for app in sdk.listApps() if app["appId"] == made["appId"]] == ["New name"]
    with pytest.raises(SdkError) as refused:
        sdk.createAndroidApp(packageName=package)
    assert refused.value.code == "already-exists"
    with pytest.raises(SdkError) as refused:
        sdk.changeAndroidApp(appId="1:1:android:1", displayName="x", shaHash=SHA1)
    assert refused.value.code == "not-found"
