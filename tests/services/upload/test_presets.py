"""A tenant's presets: kept by versions, fixed by their first use, and nobody else's."""

import json
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts.errors import RevisionMoved, SpecInvalid, StateConflict
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.keys import Scope
from contracts.options import Options
from contracts.presets import PRESETS
from contracts.shelves import CACHE_SECONDS, MAX_PRESETS, ShelvedPreset, used
from contracts.variants import Variant
from services.upload.desk import Desk
from services.upload.presets import Presets
from tests.support.keys import MemoryKeys
from tests.support.memory import VirtualClock
from tests.support.pictures import sample
from tests.support.presets import MemoryPresets
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

Client = TestClient[Litestar]
CARD = {"variants": [{"name": "card", "resize": {"width": 320}}]}
WIDER = {"variants": [{"name": "card", "resize": {"width": 640}}]}


@pytest.fixture
def desk(keyed_desk: Desk) -> Desk:
    return keyed_desk


@pytest.fixture
def shop(keys: MemoryKeys, room: UploadRoom) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.made('shop', now=room.clock.now())}"}


@pytest.fixture
def rival(keys: MemoryKeys, room: UploadRoom) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.made('rival', now=room.clock.now())}"}


def upload(client: Client, key: dict[str, str], options: dict[str, Any]) -> Any:
    body, headers = multipart([options_part(json.dumps(options)), file_part(sample(ImageFormat.JPEG))])
    return client.post("/uploads", content=body, headers={**headers, **key})


def test_a_preset_is_kept_shown_and_used(client: Client, room: UploadRoom, shop: dict[str, str]) -> None:
    answer = client.put("/presets/product@1", json=CARD, headers=shop)
    assert (answer.status_code, answer.headers["location"]) == (201, "/presets/product@1")
    assert answer.json() == {"name": "product@1", "created_at": "2027-01-15T08:00:00.000Z", **CARD}
    assert client.get("/presets/product@1", headers=shop).json() == answer.json()
    assert upload(client, shop, {"preset": "product@1"}).status_code == 202
    [job] = room.ledger.jobs()
    assert job.preset == "product@1"
    assert [record.spec for record in job.variants] == [Variant(name="card", resize=Resize(width=320))]
    assert client.get("/presets/product@1", headers=shop).json()["used"]


def test_until_it_is_used_it_may_be_replaced_and_never_after(client: Client, shop: dict[str, str]) -> None:
    assert client.put("/presets/product@1", json=CARD, headers=shop).status_code == 201
    assert client.put("/presets/product@1", json=WIDER, headers=shop).status_code == 200
    assert upload(client, shop, {"preset": "product@1"}).status_code == 202
    assert client.put("/presets/product@1", json=WIDER, headers=shop).status_code == 200
    refused = client.put("/presets/product@1", json=CARD, headers=shop)
    assert (refused.status_code, refused.json()["code"]) == (409, "state-conflict")
    assert client.get("/presets/product@1", headers=shop).json()["variants"] == WIDER["variants"]
    assert client.put("/presets/product@2", json=CARD, headers=shop).status_code == 201


def test_a_deleted_one_is_gone_and_its_name_is_never_given_again(
    client: Client, room: UploadRoom, shop: dict[str, str]
) -> None:
    client.put("/presets/product@1", json=CARD, headers=shop)
    assert upload(client, shop, {"preset": "product@1"}).status_code == 202
    assert client.delete("/presets/product@1", headers=shop).status_code == 204
    assert client.delete("/presets/product@1", headers=shop).status_code == 204
    assert client.get("/presets/product@1", headers=shop).status_code == 404
    assert upload(client, shop, {"preset": "product@1"}).status_code == 422
    assert client.put("/presets/product@1", json=CARD, headers=shop).status_code == 409
    assert len(room.ledger.jobs()) == 1


def test_nobody_sees_uses_changes_or_deletes_anothers(
    client: Client, room: UploadRoom, shop: dict[str, str], rival: dict[str, str]
) -> None:
    client.put("/presets/product@1", json=CARD, headers=shop)
    assert client.get("/presets/product@1", headers=rival).status_code == 404
    assert client.get("/presets/product@1").status_code == 404
    assert client.delete("/presets/product@1", headers=rival).status_code == 404
    refused = upload(client, rival, {"preset": "product@1"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/preset")
    assert "product@1" not in refused.text
    assert room.is_untouched
    assert client.put("/presets/product@1", json=WIDER, headers=rival).status_code == 201
    assert client.get("/presets/product@1", headers=shop).json()["variants"] == CARD["variants"]


def names(answer: Any) -> list[str]:
    return [preset["name"] for preset in answer.json()["presets"]]


def test_a_list_has_the_services_for_everybody_and_ones_own_by_version(client: Client, shop: dict[str, str]) -> None:
    for name in ("product@10", "product@9", "a-card@1"):
        client.put(f"/presets/{name}", json=CARD, headers=shop)
    nobody, owner = client.get("/presets"), client.get("/presets", headers=shop)
    assert names(nobody) == list(PRESETS)
    assert names(owner) == [*PRESETS, "a-card@1", "product@9", "product@10"]
    assert nobody.headers["cache-control"].startswith("public")
    assert owner.headers["cache-control"] == "private, no-cache"
    assert nobody.headers["vary"] == owner.headers["vary"] == "Authorization"
    assert client.get("/presets", headers={"Authorization": "Bearer nonsense"}).status_code == 401


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("product", CARD, 422, "spec-invalid"),
        ("product@0", CARD, 422, "spec-invalid"),
        ("Product@1", CARD, 422, "spec-invalid"),
        ("product@1%0a", CARD, 422, "spec-invalid"),
        ("product@1", {}, 422, "spec-invalid"),
        ("product@1", {"variants": []}, 422, "spec-invalid"),
        ("product@1", {**CARD, "priority": "bulk"}, 422, "spec-invalid"),
        ("product@1", {**CARD, "preset": "web@1"}, 422, "spec-invalid"),
        ("product@1", {"variants": [CARD["variants"][0]] * 2}, 422, "spec-invalid"),
        ("product@1", {"variants": [{"name": "a", "resize": {"width": 0}}]}, 422, "spec-invalid"),
        ("web@1", CARD, 409, "state-conflict"),
    ],
)
def test_what_cannot_be_a_preset_is_refused_and_leaves_nothing(
    client: Client, room: UploadRoom, shop: dict[str, str], name: str, body: Any, status: int, code: str
) -> None:
    answer = client.put(f"/presets/{name}", json=body, headers=shop)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert room.shelf.presets("shop") == []


def test_a_body_that_is_no_json_or_too_long_is_refused(client: Client, shop: dict[str, str]) -> None:
    assert client.put("/presets/a@1", content=b"{", headers=shop).status_code == 400
    assert client.put("/presets/a@1", content=b"[" * 200_000, headers=shop).status_code == 413


def test_a_key_without_the_scope_cannot_write(client: Client, keys: MemoryKeys, room: UploadRoom) -> None:
    key = keys.made("shop", *(scope for scope in Scope if scope is not Scope.PRESETS_WRITE), now=room.clock.now())
    headers = {"Authorization": f"Bearer {key}"}
    assert client.put("/presets/a@1", json=CARD, headers=headers).json()["code"] == "scope-missing"
    assert client.delete("/presets/a@1", headers=headers).json()["code"] == "scope-missing"


def test_a_preset_and_variants_add_up_and_must_not_share_a_name(
    client: Client, room: UploadRoom, shop: dict[str, str]
) -> None:
    client.put("/presets/product@1", json=CARD, headers=shop)
    assert upload(client, shop, {"preset": "product@1", **CARD}).json()["code"] == "spec-invalid"
    assert upload(client, shop, {"preset": "product@1", "variants": [{"name": "more"}]}).status_code == 202
    [job] = room.ledger.jobs()
    assert [record.spec.name for record in job.variants] == ["card", "more"]


def test_a_form_for_a_direct_upload_knows_them_too(client: Client, room: UploadRoom, shop: dict[str, str]) -> None:
    client.put("/presets/product@1", json=CARD, headers=shop)
    wish = {"content_type": "image/jpeg", "bytes": 100}
    assert client.post("/uploads/presign", json={**wish, "preset": "product@2"}, headers=shop).status_code == 422
    assert client.post("/uploads/presign", json={**wish, "preset": "product@1"}, headers=shop).status_code == 201
    [job] = room.ledger.jobs()
    assert [record.spec.name for record in job.variants] == ["card"]


def test_where_only_presets_are_made_variants_are_refused() -> None:
    shelf, clock = MemoryPresets(), VirtualClock()
    presets = Presets(shelf, clock, only_presets=True)
    assert presets.variants("shop", Options()) == PRESETS["web@1"]
    presets.put("shop", "product@1", json.dumps(CARD).encode())
    assert [variant.name for variant in presets.variants("shop", Options(preset="product@1"))] == ["card"]
    for options in (Options(variants=(Variant(name="a"),)), Options(preset="web@1", variants=(Variant(name="a"),))):
        with pytest.raises(SpecInvalid):
            presets.variants("shop", options)


def test_what_is_used_is_read_once_in_half_a_minute() -> None:
    shelf, clock = MemoryPresets(), VirtualClock()
    presets = Presets(shelf, clock)
    presets.put("shop", "product@1", json.dumps(CARD).encode())
    asked = Options(preset="product@1")
    presets.variants("shop", asked)
    before = shelf.reads
    for _ in range(5):
        presets.variants("shop", asked)
    assert shelf.reads == before
    clock.advance(CACHE_SECONDS)
    presets.variants("shop", asked)
    assert shelf.reads == before + 1


class Contended(MemoryPresets):
    """Somebody else's write comes before each of the first `rivals` of ours."""

    def __init__(self, rivals: int) -> None:
        super().__init__()
        self.rivals = rivals

    def keep(self, preset: ShelvedPreset) -> None:
        if self.rivals and preset.revision > 1:
            self.rivals -= 1
            found = super().preset(preset.tenant, preset.name)
            assert found is not None
            super().keep(msgspec.structs.replace(found, revision=found.revision + 1, variants=(Variant(name="rival"),)))
            raise RevisionMoved("a rival was quicker")
        super().keep(preset)


def test_a_preset_that_is_replaced_while_it_is_first_used_is_used_as_it_was_replaced() -> None:
    shelf, clock = Contended(1), VirtualClock()
    presets = Presets(shelf, clock)
    presets.put("shop", "product@1", json.dumps(CARD).encode())
    assert presets.variants("shop", Options(preset="product@1")) == (Variant(name="rival"),)
    kept = shelf.preset("shop", "product@1")
    assert kept is not None
    assert kept.used_at is not None
    with pytest.raises(StateConflict):
        presets.put("shop", "product@1", json.dumps(CARD).encode())


def test_marking_what_is_used_again_changes_nothing() -> None:
    shelf = MemoryPresets()
    Presets(shelf, VirtualClock()).put("shop", "product@1", json.dumps(CARD).encode())
    found = shelf.preset("shop", "product@1")
    assert found is not None
    once = used(found, 5)
    assert used(once, 9) is once


def test_a_shelf_has_an_end() -> None:
    shelf = MemoryPresets()
    presets = Presets(shelf, VirtualClock())
    for number in range(MAX_PRESETS):
        presets.put("shop", f"p@{number + 1}", json.dumps(CARD).encode())
    with pytest.raises(StateConflict):
        presets.put("shop", "one-more@1", json.dumps(CARD).encode())
    assert not presets.put("shop", "p@1", json.dumps(CARD).encode())[1]
