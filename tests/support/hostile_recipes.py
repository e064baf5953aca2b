"""Bad recipes and descriptions of data, with the exact sentence that each gets."""
# ruff: noqa: E501  # sentences stand as they are printed, to be found by a search

from pathlib import Path

from hostile_cases import (
    OWN,
    STUDY,
    BadInput,
    described,
    full_folder,
    nothing,
    pipe,
    recipe,
    sparse,
)

from augment.pathology import PATHOLOGIES

RECIPES = (
    BadInput(
        "recipe",
        "a tag that would call a function",
        recipe('samples: !!python/object/apply:os.mkdir ["owned"]\n'),
        OWN,
        "expected plain values in 'recipes/own.yaml', got the tag 'tag:yaml.org,2002:python/object/apply:os.mkdir' in line 1; a recipe names no code, write the value alone",
    ),
    BadInput(
        "recipe",
        "a key that names code",
        recipe("subject: {_target_: os.mkdir, path: owned}\n"),
        OWN,
        "recipe own: unknown key 'subject._target_': a recipe holds values and names no code; remove it",
    ),
    BadInput(
        "recipe",
        'aliases that double thirty times ("billion laughs")',
        recipe(
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
        ),
        OWN,
        "expected plain values in 'recipes/own.yaml', got the anchor or alias 'a0' in line 1; write the values out",
    ),
    BadInput(
        "recipe",
        "a text that doubles by interpolation",
        recipe("device: ${ray_address}${ray_address}\n"),
        OWN,
        "expected plain values in 'recipes/own.yaml', got '${ray_address}${ray_address}' in line 1; write the value itself, without ${…}",
    ),
    BadInput(
        "recipe",
        "a look into the environment",
        recipe("subject: {path: '${oc.env:HOME}'}\n"),
        OWN,
        "expected plain values in 'recipes/own.yaml', got '${oc.env:HOME}' in line 1; write the value itself, without ${…}",
    ),
    BadInput(
        "recipe",
        "settings of the program that reads it",
        recipe("hydra: {searchpath: ['file:///etc']}\n"),
        OWN,
        "'recipes/own.yaml' expects keys of a recipe, got the key 'hydra', settings of the program that reads it; remove it",
    ),
    BadInput(
        "recipe",
        "defaults outside of its folder",
        recipe("defaults: [../../etc/x, _self_]\n"),
        OWN,
        "defaults of 'recipes/own.yaml' expect names of recipes beside it, got '../../etc/x'; copy that file there",
    ),
    BadInput(
        "recipe",
        "`out` above the current folder",
        recipe("out: ../../x\n"),
        OWN,
        "recipe own: out expects a folder below the current one in a recipe's file, got '../../x'; give another one on the command line, out=DIR",
    ),
    BadInput(
        "recipe",
        "a cluster of a stranger",
        recipe("engine: ray\nray_address: ray://198.51.100.7:10001\n"),
        OWN,
        "recipe own: ray_address expects to be given on the command line, got 'ray://198.51.100.7:10001' in a recipe's file; remove it there",
    ),
    BadInput(
        "recipe",
        "a number that is none",
        recipe("render: {moved_mm: .nan}\n"),
        OWN,
        "recipe own: render.moved_mm expects a number from 0 to 50, got nan",
    ),
    BadInput(
        "recipe",
        "values of wrong types",
        recipe("samples: [1]\ntwins: 3\nsubject: 7\n"),
        OWN,
        "recipe own: samples expects a whole number from 1 to 1e+08, got [1]; twins expects true or false, got 3; subject expects keys and values, got 7",
    ),
    BadInput(
        "recipe",
        "40 levels of brackets",
        recipe("a: " + "[" * 40 + "]" * 40 + "\n"),
        OWN,
        "expected at most 32 levels in 'recipes/own.yaml', got more; write it flatter",
    ),
    BadInput(
        "recipe",
        "no YAML",
        recipe("samples: [1, 2\nrender: }\n"),
        OWN,
        "expected YAML in 'recipes/own.yaml', got expected ',' or ']', but got ':' in line 2; correct it",
    ),
    BadInput(
        "recipe",
        "a named pipe",
        pipe("recipes/own.yaml"),
        OWN,
        "expected a YAML file, got the named pipe 'recipes/own.yaml'; name a plain file",
    ),
    BadInput(
        "recipe",
        "a file of 100 MB",
        lambda: (Path("recipes").mkdir(), sparse("recipes/own.yaml", 100_000_000)()),
        OWN,
        "expected a YAML file of at most 64,000 bytes, got 100 MB in 'recipes/own.yaml'; reduce it",
    ),
    BadInput(
        "recipe",
        "a path as its name",
        nothing,
        ("generate", "../../x"),
        "unknown recipe '../../x', the nearest known recipe is 'swelling_course'; `facies list` shows all of them",
    ),
    BadInput(
        "recipe",
        "10^18 samples",
        nothing,
        ("generate", "face_demo", "samples=1000000000000000000"),
        "recipe face_demo: samples expects a whole number from 1 to 1e+08, got 1000000000000000000",
    ),
    BadInput(
        "recipe",
        "a seed of 400 digits",
        nothing,
        ("generate", "face_demo", "seed=" + "9" * 400),
        "recipe face_demo: seed expects a whole number of 0 or more, got 9999999999999999999999999999999999999999999999999999999999999999999999999999999…",
    ),
    BadInput(
        "recipe",
        "a path as a pathology",
        nothing,
        ("generate", "face_demo", "pathologies=[{name: ../../x}]", "out=data"),
        "recipe face_demo: pathologies[0].name expects one of "
        + ", ".join(sorted(PATHOLOGIES))
        + ", got '../../x'",
    ),
    BadInput(
        "recipe",
        "a path outside as the subject",
        nothing,
        ("generate", "ct_subject", "subject.path=../../nowhere/x", "out=data"),
        "expected a plain file as subject.path at '../../nowhere/x': no such file or directory; check the path",
    ),
    BadInput(
        "recipe",
        "a folder in use as `out`",
        full_folder,
        ("generate", "face_demo", "samples=1", "out=data"),
        "out expects a new or empty folder, or a data set of this recipe, got 'data' with other content; choose another out",
    ),
    BadInput(
        "description of data",
        "a path as its name",
        nothing,
        ("experiment", "few_shot_smoke", "data=.", "dataset=../../x", "--dry-run"),
        "dataset expects one of fasseg, folder, headsq, openkbp or the path of a dataset.yaml, got '../../x', the nearest is 'openkbp'",
    ),
    BadInput(
        "description of data",
        "images outside of the folder",
        described("../../{case}.png"),
        STUDY,
        "'cases/dataset.yaml' is not a task: layout.image expects a path inside the folder of the data, got '../../{case}.png'",
    ),
    BadInput(
        "description of data",
        "splits outside of the folder",
        described("i/{case}.png", "splits: {file: /etc/passwd}\n"),
        STUDY,
        "'cases/dataset.yaml' is not a task: splits.file expects a path inside the folder of the data, got '/etc/passwd'",
    ),
)
