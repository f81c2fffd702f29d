//! A sheet in each format.

use super::*;

fn sheet() -> Sheet {
    let mut sheet = Sheet::new(["run", "val_acc", "lrs"]);
    sheet.push(vec![Cell::new("a_1"), Cell::metric(Some(0.1 + 0.2)), Cell::new(vec![0.1, 1e-5])]);
    sheet.push(vec![Cell::new("say \"50 %\",\nor | not\u{1b}"), Cell::metric(None), Cell::new(Value::Null)]);
    sheet
}

#[test]
fn each_format_says_the_same_in_its_own_signs() {
    assert_eq!(
        sheet().write(Format::Csv, None),
        "run,val_acc,lrs\na_1,0.30000000000000004,\"[0.1,0.00001]\"\n\"say \"\"50 %\"\",\nor | not\\u{1b}\",,\n"
    );
    assert_eq!(
        sheet().write(Format::Json, None),
        "[\n  {\"run\":\"a_1\",\"val_acc\":0.30000000000000004,\"lrs\":[0.1,0.00001]},\n  \
         {\"run\":\"say \\\"50 %\\\",\\nor | not\\u001b\",\"val_acc\":null,\"lrs\":null}\n]\n"
    );
    let markdown = sheet().write(Format::Markdown, None);
    assert!(
        markdown.starts_with("| run | val\\_acc | lrs |\n| --- | ---: | --- |\n| a\\_1 | 0.3000 | 0.1, 0.00001 |\n")
    );
    assert!(markdown.ends_with("or \\| not\\\\u{1b} | - | - |\n"), "{markdown}");
    let latex = sheet().write(Format::Latex, None);
    assert!(latex.starts_with("\\begin{tabular}{lrl}\n  \\hline\n  run & val\\_acc & lrs \\\\\n"), "{latex}");
    assert!(latex.contains("say \"50 \\%\""), "{latex}");
    let table = sheet().write(Format::Table, None);
    assert!(table.starts_with("run ") && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn nothing_in_any_format_steers_a_terminal_and_json_stays_json() {
    let mut sheet = Sheet::new(["a\u{9b}"]);
    sheet.push(vec![Cell::new("\u{1b}[2J\u{202e}\u{e0001}\\\r")]);
    for format in Format::ALL {
        let text = sheet.write(format, None);
        assert!(!text.contains(|c: char| (c != '\n' && c.is_control()) || c == '\u{202e}'), "{text:?}");
    }
    let read: Value = serde_json::from_str(&sheet.write(Format::Json, None)).unwrap();
    assert_eq!(read, serde_json::json!([{"a\u{9b}": "\u{1b}[2J\u{202e}\u{e0001}\\\r"}]));
}

#[test]
fn a_value_that_is_not_finite_is_nothing_and_rows_are_as_long_as_the_columns() {
    let mut sheet = Sheet::new(["a", "b"]);
    sheet.push(vec![Cell::metric(Some(f64::NAN))]);
    sheet.push(vec![Cell::new(1), Cell::new(2), Cell::new(3)]);
    assert_eq!(sheet.write(Format::Csv, None), "a,b\n,\n1,2\n");
}
