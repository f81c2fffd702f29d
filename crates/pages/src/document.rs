//! What all pages have: the head, the style, the data and the script, and a policy by which a browser asks no network for anything.

use serde_json::Value;

use crate::html::{script_json, text};

const STYLE: &str = include_str!("page.css");
/// Of the page of a run.
pub(crate) const RUN_SCRIPT: &str = include_str!("run_page.js");
/// Of the page of a comparison.
pub(crate) const COMPARE_SCRIPT: &str = include_str!("compare_page.js");
pub(crate) const COMPARE_STYLE: &str = include_str!("compare_page.css");

/// A page's parts; all but the title are HTML, CSS and JavaScript already.
pub(crate) struct Document<'a> {
    pub(crate) title: &'a str,
    pub(crate) style: &'a str,
    pub(crate) body: &'a str,
    pub(crate) data: &'a Value,
    pub(crate) script: &'a str,
}

impl Document<'_> {
    pub(crate) fn html(&self) -> String {
        let Self { title, style, body, data, script } = self;
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{} – Strata</title>\n<style>\n{STYLE}{style}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n\
             <script type=\"application/json\" id=\"data\">{}</script>\n<script>\n{script}</script>\n</body>\n</html>\n",
            text(title),
            script_json(data)
        )
    }
}
