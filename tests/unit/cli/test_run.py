"""`shanhai run`: what it reads, and how it says no."""

import json
from pathlib import Path
from typing import Any

import pytest

from shanhai.cli import main
from shanhai.cli.kit import nested, parse_settings
from shanhai.cli.run import read_inputs, read_options, read_rasters
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.local_run import RUNNABLE
from shanhai.processes.reproduction import read_manifest


def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: Any, *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["shanhai", "run", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    return capsys.readouterr().err


@pytest.fixture
def region(tmp_path: Path) -> Path:
    ring = [[118.0, 24.4], [118.1, 24.4], [118.1, 24.5], [118.0, 24.4]]
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    return path


def test_a_manifest_that_is_no_json_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("not json", encoding="utf-8")
    with pytest.raises(InvalidInput, match="missing or wrong: Invalid JSON: expected ident"):
        read_manifest(tmp_path / "manifest.json")
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidInput, match="missing or wrong: process, job_id"):
        read_manifest(tmp_path / "manifest.json")


def test_every_process_that_runs_on_files_is_one() -> None:
    assert set(RUNNABLE) <= set(CONTRACTS)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("2.0e5", 2e5), ("2e5", 2e5), ("-.5E3", -500.0), ("1.e-3", 1e-3), ("6.5e+6", 6.5e6)),
        *(("12", 12), ("0.5", 0.5), ("1e5x", "1e5x"), ("e5", "e5")),
    ],
)
def test_numbers_of_yaml_are_those_of_json(tmp_path: Path, text: str, number: object) -> None:
    (tmp_path / "a.yaml").write_text(f"cell_m: {text}\n", encoding="utf-8")
    told = read_inputs(tmp_path / "a.yaml")["cell_m"]
    assert (told, type(told)) == (number, type(number))


def test_inputs_are_json_or_yaml_bare_or_as_a_request(tmp_path: Path) -> None:
    wanted = {"cell_m": 100, "parameters": {"k": 4}}
    (tmp_path / "a.json").write_text(json.dumps({"inputs": wanted}), encoding="utf-8")
    (tmp_path / "b.yaml").write_text("cell_m: 100\nparameters: {k: 4}\n", encoding="utf-8")
    assert read_inputs(tmp_path / "a.json") == wanted
    assert read_inputs(tmp_path / "b.yaml") == wanted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("a.json", b"{"), ("a.yaml", b"a: ["), ("b.json", b"[]"), ("c.json", b'{"cell_m": NaN}')),
        *((name, '{"name_zh": "厦门"}'.encode("gbk")) for name in ("gbk.json", "gbk.yaml")),
    ],
)
def test_what_holds_no_inputs_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_inputs(tmp_path / name)
    assert caught.value.message_zh != caught.value.message


def test_flags_go_over_the_file() -> None:
    base = {"cell_m": 100, "parameters": {"k": 4, "unit_m": 500}}
    asked = nested({"parameters.k": 5, "seed": 7}, base)
    assert asked == {"cell_m": 100, "parameters": {"k": 5, "unit_m": 500}, "seed": 7}
    assert base["parameters"] == {"k": 4, "unit_m": 500}


@pytest.mark.parametrize(
    ("stated", "base"),
    [
        ({"a": 1, "a.b": 2}, {}),
        ({"a.b": 2}, {"a": None}),
        ({"a.b.c": 2}, {"a": {"b": [1]}}),
    ],
)
def test_a_member_of_what_has_none_is_refused_by_its_name(
    stated: dict[str, Any], base: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        nested(stated, base)
    assert caught.value.faults[0].pointer in stated
    assert caught.value.message_zh != caught.value.message


def test_lists_and_objects_are_json() -> None:
    given = ['themes=["carbon"]', 'datasets={"dem": "a"}', "plan=[x", "cell_m=30", "ks=[NaN]"]
    assert parse_settings(given, structured=True) == {
        "themes": ["carbon"],
        "datasets": {"dem": "a"},
        "plan": "[x",
        "cell_m": 30,
        "ks": "[NaN]",
    }


def test_a_raster_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_rasters([f"dem={tmp_path / 'nope.tif'}"])
    assert caught.value.faults[0].pointer == "/inputs/datasets/dem"


def test_words_on_a_raster_stay_words(tmp_path: Path) -> None:
    rasters = {"dem": tmp_path / "dem.tif"}
    said = {"source": ["dem=2020"], "licence": ["dem=CC BY 4.0, a=b"]}
    assert read_options(["dem.scale=0.1"], rasters, said) == {
        "dem": {"scale": 0.1, "source": "2020", "licence": "CC BY 4.0, a=b"}
    }
    for texts, words, pointer in (
        ([], {"source": ["dem"]}, "--source"),
        (["npp.scale=2"], {}, "/inputs/datasets/npp"),
        (["dem=3"], {}, "--option"),
        (["dem=3"], {"source": ["dem=2020"]}, "dem.source"),
    ):
        with pytest.raises(InvalidInput) as caught:
            read_options(texts, rasters, words)
        assert caught.value.faults[0].pointer == pointer


def test_broken_rules_are_told_in_both_languages_with_their_pointers(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    given = ("--set", "cell_m=3", "--set", "parameters.k=50", "--set", "foo=1")
    told = refusal(
        *(capsys, monkeypatch, "delineate-zones", "--region", str(region)),
        *("--out", str(tmp_path / "out"), *given),
    )
    for pointer in ("/inputs/cell_m", "/inputs/parameters/k", "/inputs/foo"):
        assert f"{pointer}: " in told
        assert f"{pointer}：" in told
    assert not (tmp_path / "out").exists()


def test_several_features_without_a_parent_are_refused(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    shape = json.loads(region.read_text())
    one = [{"type": "Feature", "properties": {"name": n}, "geometry": shape} for n in "甲乙"]
    region.write_text(json.dumps({"type": "FeatureCollection", "features": one}))
    told = refusal(
        *(capsys, monkeypatch, "delineate-zones"),
        *("--region", str(region), "--out", str(tmp_path / "out")),
    )
    assert "2 features without parent" in told
    assert "2 个没有 parent" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("process", ["echo", "seed-tiles"])
def test_a_process_that_needs_a_server_is_refused(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any, process: str
) -> None:
    told = refusal(
        *(capsys, monkeypatch, process, "--region", str(region), "--out", str(tmp_path / "out"))
    )
    assert "assess-ecoservices" in told
    assert "it needs a server" in told
    assert "不能用本地文件运行，须由服务器执行" in told
