//! What a filter asks for, and what it refuses.

use serde_json::json;

use super::*;

fn find(key: &str) -> Option<Value> {
    let run = json!({
        "val_acc": 0.6, "optimizer": "adamw", "name": "a and b", "nesterov": true, "lrs": [0.1, 0.01], "seed": 43, "driver": null,
        "epochs": [10], "hidden": [],
    });
    run.get(key).cloned()
}

#[test]
fn a_run_matches_where_every_comparison_holds() {
    let cases = [
        ("val_acc > 0.5", true),
        ("val_acc>0.6", false),
        ("val_acc >= 0.6", true),
        ("val_acc < 1 and seed == 43", true),
        ("val_acc < 1 and seed != 43", false),
        ("optimizer = adamw", true),
        ("optimizer == 'sgd'", false),
        ("name == \"a and b\"", true),
        ("nesterov == true", true),
        ("lrs == 0.01", true),
        ("lrs == 0.5", false),
        ("driver == 580", false),
        ("driver != 580", true),
        ("missing < 1", false),
        ("optimizer > 1", false),
        ("lrs < 0.05", true),
        ("lrs > 0.05 and lrs >= 0.1", true),
        ("lrs > 0.1", false),
        ("lrs <= 0.001", false),
        ("lrs != 0.1", false),
        ("epochs > 5 and epochs <= 10", true),
        ("epochs > 10", false),
        ("hidden < 5", false),
        ("seed == \"43\"", false),
    ];
    for (text, expected) in cases {
        let filter: Filter = text.parse().unwrap();
        assert_eq!(filter.matches(&find), expected, "{text}");
        assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter, "{filter}");
    }
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for (text, expected) in
        [(".1", json!(0.1)), ("-.5", json!(-0.5)), ("1.", json!(1.0)), ("+2", json!(2.0)), ("1e-3", json!(1e-3))]
    {
        assert_eq!(number(text), Some(expected), "{text}");
    }
    for text in ["0,1", "007", "inf", "nan", "1e999", "adamw", "true", "", "+", ".", "--1"] {
        assert_eq!(number(text), None, "{text}");
    }
    let matches = |text: &str| text.parse::<Filter>().unwrap().matches(&find);
    assert!(matches("val_acc > .1") && matches("val_acc < +1.") && !matches("val_acc > .7"));
    assert!(matches("nesterov == true") && !matches("nesterov == false"));
}

#[test]
fn an_order_of_values_of_two_kinds_is_refused() {
    let (number, list, text, nothing) = (json!(0.5), json!([0.1]), json!("adamw"), Value::Null);
    let found = |key: &str| match key {
        "val_acc" => vec![&nothing, &number],
        "lrs" => vec![&list],
        "optimizer" => vec![&text],
        "mixed" => vec![&text, &number],
        _ => vec![&nothing],
    };
    let check = |text: &str| text.parse::<Filter>().unwrap().check(&found);
    for (text, said) in [
        ("val_acc > abc", "`val_acc` is a number, and so neither less nor more than \"abc\", which is a text"),
        ("lrs <= 0,1", "`lrs` is a number, and so neither less nor more than \"0,1\""),
        ("optimizer > 1", "`optimizer` is a text, and so neither less nor more than 1, which is a number"),
    ] {
        let error = check(text).unwrap_err();
        assert!(error.to_string().contains(said) && error.is_usage(), "{error}");
    }
    for text in ["val_acc == abc", "val_acc > 1", "mixed > 1", "mixed > a", "unknown > 1", "optimizer > a"] {
        check(text).unwrap();
    }
}

/// Of three values each two have an order that the third does not contradict.
#[test]
fn any_values_can_be_sorted() {
    let mut values = vec![
        json!({"a": 1}),
        json!("b"),
        json!([2, "a"]),
        json!("10"),
        json!([]),
        json!(10),
        json!([10, 1]),
        json!(false),
        json!([2, 1]),
        json!(9),
    ];
    values.sort_by(order_to_sort_by);
    let sorted = json!([[], false, [2, 1], [2, "a"], 9, 10, [10, 1], "10", "b", {"a": 1}]);
    assert_eq!(Value::from(values), sorted);
}

#[test]
fn what_is_no_comparison_is_an_error_that_shows_one() {
    for text in ["", "val_acc", "> 0.5", "val_acc >", "val_acc ! 3", "a b == 3", "seed == 1 and"] {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains("is no comparison") && error.contains("val_acc > 0.6"), "{text}: {error}");
    }
}
