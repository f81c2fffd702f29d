//! The pages of a run and of a comparison: whole, made again from the files, with nothing from outside in them as markup.

use crate::archives::{data_files, file_url, sha256, write_config};
use crate::harness::Sandbox;

fn is_whole(page: &str) -> bool {
    page.starts_with("<!doctype html>") && page.ends_with("</html>\n")
}

#[test]
fn a_runs_page_is_made_at_its_end_and_to_the_byte_again_from_its_files() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "a", "--set", "metrics=[\"top_3\"]"]).succeeded();
    let page = sandbox.text("runs/a/report.html");
    assert!(is_whole(&page), "{page}");
    for part in [
        "top_3",
        "data-cell=",
        "data:image/png",
        "id=\"mistakes\"",
        "layer1.weight",
        "href=\"./config.toml\"",
        "seed = 43",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let said = sandbox.run(["report", "a"]).succeeded().out;
    assert_eq!(said, "runs/a/report.html\n");
    assert!(sandbox.text("runs/a/report.html") == page, "the test as the run made it, and again by the predictor");

    sandbox.run(["note", "a", "<script>alert(1)</script>", "--tag", "paper"]).succeeded();
    sandbox.run(["report", "a"]).succeeded();
    let page = sandbox.text("runs/a/report.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("<li>paper</li>"));
    assert_eq!(page.matches("<script").count(), 2);

    sandbox.train(["--name", "b", "--set", "report.page=false", "--set", "phases=[{epochs=1,lr=0.01}]"]).succeeded();
    assert!(!sandbox.path("runs/b/report.html").exists());
    sandbox.holds_only_a_runs_files("b");
    let said = sandbox.run(["compare", "a", "b", "--html", "both.html"]).succeeded().out;
    assert_eq!(said, "both.html\n");
    let page = sandbox.text("both.html");
    assert!(is_whole(&page) && page.contains("\"val_loss\""), "{page}");
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["names"].as_array().unwrap().len(), 2);
    let rate = data["columns"].as_array().unwrap().iter().find(|column| column[0] == "lrs").unwrap();
    assert_eq!(rate[1], "config", "{rate}");
    sandbox.run(["compare", "a", "--html", "none/both.html"]).failed_saying(1, &["none/both.html"]);
}

#[test]
fn a_page_without_the_images_or_the_weights_says_so_and_shows_the_rest() {
    let sandbox = Sandbox::new();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("data/{name}"), bytes);
    }
    write_config(&sandbox, &file_url(&sandbox.path("none.tar.gz")), &sha256(b""));
    sandbox.run(["experiment", "cifar.toml", "--name", "a", "--data", "data"]).succeeded();
    assert!(sandbox.text("runs/a/report.html").contains("data-cell="));
    std::fs::rename(sandbox.path("data"), sandbox.path("elsewhere")).unwrap();
    sandbox.run(["report", "a"]).succeeded();
    let page = sandbox.text("runs/a/report.html");
    assert!(page.contains("Not shown: ") && !page.contains("data-cell=") && page.contains("layer1.weight"));
    std::fs::remove_file(sandbox.path("runs/a/model.safetensors")).unwrap();
    sandbox.run(["report", "a"]).succeeded();
    let page = sandbox.text("runs/a/report.html");
    assert!(is_whole(&page) && page.contains("model.safetensors") && !page.contains("layer1.weight"));
    sandbox.run(["report", "a", "--data", "elsewhere"]).succeeded();
    sandbox.run(["report", "nobody"]).failed_saying(2, &["nobody"]);
}
