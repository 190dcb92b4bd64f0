//! The little XML that ELBv2's answers need.

/// An element with text in it.
pub(crate) fn text(name: &str, value: impl ToString) -> String {
    let value = value.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    element(name, &value)
}

/// An element around XML.
pub(crate) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// A list: each item in a `member` of its own.
pub(crate) fn list(name: &str, items: impl IntoIterator<Item = String>) -> String {
    let members: String = items.into_iter().map(|item| element("member", &item)).collect();
    element(name, &members)
}
