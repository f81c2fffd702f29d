//! Each fault gives one error that names the place, the key, the value and what would be right.

use std::path::Path;

use crate::common::{GOOD, told};
use strata_config::Config;

/// Each row: what replaces what in the good config, and the head of the error's first line.
const EDITS: &[(&str, &str, &str)] = &[
    ("name = \"seed\"", "name = \"a b\"", "c.toml:1: name = \"a b\": expected a string of 1 to 64 letters"),
    ("name = \"seed\"", "name = 3", "c.toml:1: name = 3: expected a string"),
    ("seed = 43", "sed = 43", "c.toml:2: sed: unknown key; did you mean `seed`? the top of a config takes name, seed,"),
    // 2⁶³ is one too many for a TOML integer.
    ("seed = 43", "seed = 9223372036854775808", "c.toml:2: seed = 9223372036854775808: expected an integer from 0 to"),
    ("seed = 43", "seed = -1", "c.toml:2: seed = -1: expected an integer from 0 to 9223372036854775807"),
    ("seed = 43", "rng = \"numpy\"", "c.toml:2: rng = \"numpy\": unknown choice; choose one of torch"),
    ("seed = 43", "device = \"cuda:+1\"", "c.toml:2: device = \"cuda:+1\": expected \"auto\", \"cpu\", \"cuda\""),
    ("seed = 43", "device = \"cuda:256\"", "c.toml:2: device = \"cuda:256\": expected"),
    ("seed = 43", "threads = 0", "c.toml:2: threads = 0: expected an integer from 1 to 1024"),
    ("seed = 43", "batch = 1", "c.toml:2: batch: unknown key; did you mean `dataset.batch`?"),
    ("seed = 43", "seed = 43\nseed = 44", "c.toml:3: not TOML: duplicate key"),
    ("seed = 43", "seed = ", "c.toml:2: not TOML: "),
    ("[dataset]", "[[dataset]]", "c.toml:4: dataset = [[dataset]]: expected a table of keys"),
    ("[dataset]", "[data]", "c.toml:4: data: unknown key; "),
    ("kind = \"cifar10\"", "", "c.toml: dataset.kind: missing: expected \"cifar10\", \"cifar100\""),
    ("\"cifar10\"", "\"cifar-10\"", "c.toml:5: dataset.kind = \"cifar-10\": unknown choice; did you mean \"cifar10\"?"),
    ("batch = 128", "batch = 0", "c.toml:6: dataset.batch = 0: expected an integer from 1 to 100000"),
    ("batch = 128", "batch = -5", "c.toml:6: dataset.batch = -5: expected"),
    ("batch = 128", "batch = 1.5", "c.toml:6: dataset.batch = 1.5: expected an integer"),
    ("batch = 128", "batch = 1000001", "c.toml:6: dataset.batch = 1000001: expected"),
    ("batch = 128", "evaluation_batch = 0", "c.toml:6: dataset.evaluation_batch = 0: expected an integer from 1"),
    ("batch = 128", "normalise = 1", "c.toml:6: dataset.normalise = 1: expected true or false"),
    ("batch = 128", "validation = 50000", "c.toml:6: dataset.validation = 50000: expected an integer from 1 to 49999"),
    ("batch = 128", "validation = 0", "c.toml:6: dataset.validation = 0: expected an integer from 1 to 49999"),
    (
        "batch = 128",
        "train = 100",
        "c.toml:6: dataset.train = 100: dataset.kind is cifar10, which has no `train`; those that take it: synthetic",
    ),
    (
        "batch = 128",
        "url = \"ftp://x/y\"",
        "c.toml:6: dataset.url = \"ftp://x/y\": expected an address that starts with",
    ),
    ("batch = 128", "sha256 = \"12ab\"", "c.toml:6: dataset.sha256 = \"12ab\": expected a string of 64 hexadecimal"),
    (
        "[2048, 1024, 64]",
        "[2048, 0]",
        "c.toml:9: model.hidden = 0: expected a list of at most 32 integers, each from 1",
    ),
    ("[2048, 1024, 64]", "[65537]", "c.toml:9: model.hidden = 65537: expected"),
    ("[2048, 1024, 64]", "2048", "c.toml:9: model.hidden = 2048: expected a list"),
    ("[2048, 1024, 64]", "[\"a\"]", "c.toml:9: model.hidden = \"a\": expected a list"),
    // (3072 + 1) · 65536 + (65536 + 1) · 65536 + (65536 + 1) · 10 parameters
    ("[2048, 1024, 64]", "[65536, 65536]", "c.toml:9: model.hidden = [65536, 65536]: makes 4497080330 parameters"),
    ("hidden = [2048, 1024, 64]", "", "c.toml: model.hidden: missing: expected a list"),
    (
        "\"relu\"",
        "\"rleu\"",
        "c.toml:10: model.activation = \"rleu\": unknown choice; did you mean \"relu\"? choose one of relu,",
    ),
    ("activation = \"relu\"", "dropout = 1", "c.toml:10: model.dropout = 1: expected a number from 0 up to but not"),
    // As a 32-bit float this is 1, and the kept units would be divided by zero.
    ("activation = \"relu\"", "dropout = 0.99999999", "c.toml:10: model.dropout = 0.99999999: expected"),
    ("activation = \"relu\"", "dropout = nan", "c.toml:10: model.dropout = nan: expected"),
    (
        "activation = \"relu\"",
        "hiden = []",
        "c.toml:10: model.hiden: unknown key; did you mean `hidden`? [model] takes network, hidden,",
    ),
    ("\"sgd\"", "\"sgdm\"", "c.toml:13: optimizer.kind = \"sgdm\": unknown choice; did you mean \"sgd\"?"),
    (
        "\"sgd\"",
        "\"sgd\"\nbetas = [0.9, 0.9]",
        "c.toml:14: optimizer.betas = [0.9, 0.9]: optimizer.kind is sgd, which has no `betas`; adam, adamw, nadam, lion and muon",
    ),
    (
        "\"sgd\"",
        "\"adam\"\nmomentum = 0.9",
        "c.toml:14: optimizer.momentum = 0.9: optimizer.kind is adam, which has no",
    ),
    ("\"sgd\"", "\"adam\"\nbetas = [0.9]", "c.toml:14: optimizer.betas = [0.9]: expected a list of two numbers"),
    ("\"sgd\"", "\"adam\"\nbetas = [0.9, 1.0]", "c.toml:14: optimizer.betas = 1.0: expected a list of two numbers"),
    ("\"sgd\"", "\"adam\"\neps = 0", "c.toml:14: optimizer.eps = 0: expected a number above 0"),
    ("\"sgd\"", "\"sgd\"\nnesterov = true", "c.toml:14: optimizer.nesterov = true: needs optimizer.momentum above 0"),
    ("\"sgd\"", "\"sgd\"\nmomentum = -0.1", "c.toml:14: optimizer.momentum = -0.1: expected"),
    ("\"sgd\"", "\"sgd\"\nweight_decay = inf", "c.toml:14: optimizer.weight_decay = inf: expected"),
    ("[[phases]]", "[phases]", "c.toml:15: phases = [phases]: expected a list of one table or more"),
    ("epochs = 20", "epochs = 0", "c.toml:16: phases.0.epochs = 0: expected an integer from 1 to 100000"),
    ("epochs = 20", "", "c.toml:15: phases.0.epochs: missing: expected an integer"),
    (
        "epochs = 20",
        "epoch = 20",
        "c.toml:16: phases.0.epoch: unknown key; did you mean `epochs`? [phases] takes epochs, lr, schedule, warmup",
    ),
    ("lr = 1e-1", "lr = 0.0", "c.toml:17: phases.0.lr = 0.0: expected a number above 0"),
    // Above 0 in 64 bits, 0 in the 32 that training uses.
    ("lr = 1e-1", "lr = 1e-60", "c.toml:17: phases.0.lr = 1e-60: expected"),
    ("lr = 1e-1", "lr = \"fast\"", "c.toml:17: phases.0.lr = \"fast\": expected"),
    ("lr = 1e-1", "lr = 1\n[early_stopping]\npatience = 0", "c.toml:19: early_stopping.patience = 0: expected"),
    ("lr = 1e-1", "lr = 1\n[early_stopping]", "c.toml: early_stopping.patience: missing"),
    (
        "lr = 1e-1",
        "lr = 1\n[early_stopping]\npatience = 1\nmetric = \"val_accuracy\"",
        "c.toml:20: early_stopping.metric = \"val_accuracy\": unknown choice; choose one of val_loss, val_acc",
    ),
    (
        "lr = 1e-1",
        "lr = 1\n[checkpoint]\nevery_steps = 0",
        "c.toml:19: checkpoint.every_steps = 0: expected an integer",
    ),
    ("batch = 128", "input = \"dct\"", "c.toml:6: dataset.input = \"dct\": unknown choice; choose one of pixels, freq"),
    (
        "batch = 128",
        "input = \"frequencies\"\ncoefficients = 1025",
        "c.toml:7: dataset.coefficients = 1025: expected an integer from 1 to 1024, since a channel has 32 x 32 pixels",
    ),
    ("batch = 128", "input = \"frequencies\"", "c.toml: dataset.coefficients: missing: expected an integer from 1 to"),
    (
        "batch = 128",
        "coefficients = 64",
        "c.toml:6: dataset.coefficients = 64: has no effect: `coefficients` is of dataset.input = \"frequencies\"",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"blur\"\n[[phases]]",
        "c.toml:16: augment.0.kind = \"blur\": unknown choice; choose one of mirror, shift, crop,",
    ),
    ("[[phases]]", "[[augment]]\n[[phases]]", "c.toml:15: augment.0.kind: missing: expected \"mirror\", \"shift\","),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"shift\"\npixels = 32\n[[phases]]",
        "c.toml:17: augment.0.pixels = 32: expected an integer from 1 to 31, since the images are 32 x 32",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"crop\"\narea = [0.5, 1.5]\n[[phases]]",
        "c.toml:17: augment.0.area = 1.5: expected a list of two numbers, each above 0 and at most 1",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"crop\"\nratio = [2, 1]\n[[phases]]",
        "c.toml:17: augment.0.ratio = [2, 1]: expected the least first",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"mixup\"\nprobability = 1.5\n[[phases]]",
        "c.toml:17: augment.0.probability = 1.5: expected a number from 0 to 1",
    ),
    (
        "[[phases]]",
        "[loss]\nkind = \"mse\"\n[[augment]]\nkind = \"mixup\"\n[[phases]]",
        "c.toml:18: augment.0.kind = \"mixup\": mixup mixes labels, which loss.kind = \"mse\" does not take",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"mixup\"\n[[augment]]\nkind = \"cutmix\"\n[[phases]]",
        "c.toml:17: augment.1.probability: the probabilities of mixup and cutmix add up to 2; a batch is mixed in one way",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"mixup\"\n[[augment]]\nkind = \"mirror\"\n[[phases]]",
        "c.toml:18: augment.1.kind = \"mirror\": mirror comes before what mixes a batch",
    ),
    (
        "[[phases]]",
        "[[augment]]\nkind = \"colour_jitter\"\n[[phases]]",
        "c.toml:16: augment.0.kind = \"colour_jitter\": has no effect: give it brightness",
    ),
    (
        "[[phases]]",
        "[augment]\nkind = \"mirror\"\n[[phases]]",
        "c.toml:15: augment = [augment]: expected a list of tables",
    ),
    // Written as a list of values, a struct would otherwise be read by position.
    (
        "lr = 1e-1",
        "lr = 1\n[[checkpoint]]\nevery_steps = 1",
        "c.toml:18: checkpoint = [[checkpoint]]: expected a table",
    ),
];

#[test]
fn each_error_in_a_file_names_its_place_and_the_remedy() {
    assert!(Config::parse(GOOD, Path::new("c.toml"), &[]).is_ok());
    for (from, to, expected) in EDITS {
        assert_eq!(GOOD.matches(from).count(), 1, "`{from}` must name one place");
        let error = told(&GOOD.replace(from, to), &[]);
        assert!(error.starts_with(expected), "{from} → {to}:\n{error}\nshould start with\n{expected}");
    }
}

#[test]
fn the_line_is_shown_with_carets_under_the_value() {
    assert_eq!(
        told(&GOOD.replace("batch = 128", "\tbatch = -128 # tab before"), &[]),
        "c.toml:6: dataset.batch = -128: expected an integer from 1 to 1000000\n  |\n\
         6 |  batch = -128 # tab before\n  |          ^^^^"
    );
}

#[test]
fn missing_or_empty_phases_are_an_error() {
    let head = GOOD.split("[[phases]]").next().unwrap_or_default();
    assert!(told(head, &[]).starts_with("c.toml: phases: missing: expected a list of one table or more"));
    assert!(told(&format!("phases = []\n{head}"), &[]).starts_with("c.toml:1: phases = []: expected a list of one"));
    let many = "{epochs=1,lr=1},".repeat(1_001);
    assert!(
        told(&format!("phases = [{many}]\n{head}"), &[]).starts_with("c.toml:1: phases: 1001 phases; at most 1000")
    );
    let scalars = told(&format!("phases = [3]\n{head}"), &[]);
    assert!(scalars.starts_with("c.toml:1: phases.0 = 3: expected a table with `epochs` and `lr`"), "{scalars}");
}
