"""The built site's ledger: complete records, anchors that exist, and tables that show them."""
import json
import re

import jsonschema
import pytest
from book import ROOT

from saddles.check import KINDS, slug


@pytest.fixture(scope="module")
def entries(site):
    return json.loads((site / "ledger.json").read_text(encoding="utf-8"))


def test_there_are_entries(entries):
    assert len(entries) > 20


def test_the_ledger_follows_its_schema(entries):
    schema = json.loads((ROOT / "sphinxext/ledger.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(entries, schema)
    assert list(schema["items"]["properties"]) == list(entries[0])


@pytest.mark.parametrize("change", [{"verdict": "true"}, {"severity": "typo"}, {"id": "eq:"}, {"anchor": ""}, {"more": 1}], ids=str)
def test_the_schema_refuses_a_wrong_entry(entries, change):
    schema = json.loads((ROOT / "sphinxext/ledger.schema.json").read_text(encoding="utf-8"))
    good = next(e for e in entries if e["verdict"] == "verified")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([good | change], schema)


def test_kind_and_simulation_are_as_their_id_and_verdict_say(entries):
    for e in entries:
        assert e["kind"] == KINDS[e["id"].split(":")[0]], e
        assert (e["verdict"] == "consistent") == (e["method"] == "simulation" and not e["severity"]), e


def test_every_id_stands_once(entries):
    ids = [e["id"] for e in entries]
    assert len(ids) == len(set(ids))


def test_every_anchor_is_on_its_page_and_every_row_in_the_table(entries, site):
    table = (site / "chapters/ledger.html").read_text(encoding="utf-8")
    for e in entries:
        page = (site / f"{e['chapter']}.html").read_text(encoding="utf-8")
        assert page.count(f'id="{e["anchor"]}"') == 1, e["id"]
        assert f'<tr id="{slug(e["id"])}"' in table
        assert f'ledger.html#{slug(e["id"])}"' in page


def test_the_numbers_above_the_table_are_counted(entries, site):
    table = (site / "chapters/ledger.html").read_text(encoding="utf-8")
    assert f"<p>{len(entries)} entries: " in table
    for verdict in ("verified", "corrected", "consistent", "argued", "definition"):
        shown = re.search(rf'<th scope="row">{verdict}.*?<td>(\d+)(?=<tr>|</tbody>)', table)
        assert int(shown[1]) == sum(e["verdict"] == verdict for e in entries)


def test_the_errata_are_the_corrected_entries(entries, site):
    page = (site / "chapters/errata.html").read_text(encoding="utf-8")
    listed = re.findall(r'<dt><a href="[^"]+">([^<]+)</a>', page)
    wrong = [e for e in entries if e["verdict"] == "corrected"]
    assert sorted(listed) == sorted(e["id"] for e in wrong)
    substantive = sum(e["severity"] == "substantive" for e in wrong)
    assert {e["id"] for e in wrong if e["severity"] == "substantive"} == set(listed[:substantive])
