"""Uploads by an address: what makes two of them the same request, and what the file is called."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Malformed, UnsupportedMediaType
from contracts.fetched import UrlUpload, check_names_url, decode_url_upload, name_in, url_fingerprint
from contracts.filenames import safe_filename
from contracts.job import Lane
from contracts.options import fingerprint

URL = "https://shop.example/chair.jpg"


def test_spelling_does_not_make_another_request_and_everything_else_does() -> None:
    plain = url_fingerprint(UrlUpload(url=URL))
    assert url_fingerprint(decode_url_upload(b'{"preset":"web@1","url":"%s"}' % URL.encode())) == plain
    others = [
        UrlUpload(url=URL + "?v=2"),
        UrlUpload(url=URL, filename="a.jpg"),
        UrlUpload(url=URL, priority=Lane.BULK),
        UrlUpload(url=URL, meta={"a": "b"}),
    ]
    assert len({plain, fingerprint(UrlUpload(url=URL)), *map(url_fingerprint, others)}) == 2 + len(others)


@given(st.text())
def test_a_name_is_found_in_whatever_is_called_an_address(url: str) -> None:
    name = name_in(url)
    assert name == safe_filename(name)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (URL, "chair.jpg"),
        ("https://shop.example/a/K%C3%BCche.jpg?b=/c.gif", "Küche.jpg"),
        ("https://shop.example/%2e%2e%2fpasswd", "passwd"),
        ("https://shop.example/%ff.jpg", "\ufffd.jpg"),
        ("https://shop.example/a/", None),
        ("https://shop.example", None),
        ("https://shop.example?a/b.jpg", None),
    ],
)
def test_a_file_is_called_as_the_last_part_of_its_address(url: str, name: str | None) -> None:
    assert name_in(url) == name


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_that_names_no_address_is_no_upload(document: object) -> None:
    if not isinstance(document, dict) or "url" not in document:
        with pytest.raises((UnsupportedMediaType, Malformed)):
            check_names_url(msgspec.json.encode(document))
