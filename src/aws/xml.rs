//! The XML of AWS's answers (Smithy, "AWS Query protocol" and "EC2 query protocol"), as a tree.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// An element. Attributes are left out: AWS's answers have none but their namespace.
#[derive(Debug, Default)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The root of a document; `None` if it is not XML, or breaks off.
    pub fn parse(document: &[u8]) -> Option<Self> {
        let mut open: Vec<Self> = Vec::new();
        for token in Tokenizer::from(std::str::from_utf8(document).ok()?) {
            match token.ok()? {
                Token::ElementStart { local, .. } => {
                    open.push(Self { name: local.as_str().to_owned(), ..Self::default() });
                }
                Token::ElementEnd { end: ElementEnd::Open, .. } => {}
                Token::ElementEnd { .. } => {
                    let closed = open.pop()?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Some(closed),
                    }
                }
                Token::Text { text } => open.last_mut()?.text += &unescaped(text.as_str().trim()),
                Token::Cdata { text, .. } => open.last_mut()?.text += text.as_str(),
                _ => {}
            }
        }
        None
    }

    /// Its first child: the result in an answer of the AWS Query protocol.
    pub fn first(&self) -> Option<&Self> {
        self.children.first()
    }

    /// Its first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of its first child of this name, without the white space around it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The items of the list that is its child of this name; none if there is no such child.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &Self> + use<'_> {
        self.child(name).into_iter().flat_map(|list| &list.children)
    }

    /// The items of a list of texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        self.list(name).map(|item| item.text.as_str())
    }

    /// The first element of this name below it, however deep.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.child(name).or_else(|| self.children.iter().find_map(|child| child.find(name)))
    }

    /// The text of the first element of this name below it, however deep.
    pub fn find_text(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.text.as_str())
    }
}

/// The text with XML's own entities replaced; AWS uses no others.
fn unescaped(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_texts_are_found_by_their_names() {
        let document = "<?xml version=\"1.0\"?>\n<Answer xmlns=\"https://example.com/\"><Result>
            <Rules><member><Priority> 3 </Priority><Empty/></member><member/></Rules>
            <Names><item>a &amp;lt; b</item><item><![CDATA[<c>]]></item></Names>
            </Result></Answer>";
        let root = Element::parse(document.as_bytes()).unwrap();
        let result = root.child("Result").unwrap();
        let priorities: Vec<_> = result.list("Rules").map(|rule| rule.text("Priority")).collect();
        assert_eq!(priorities, [Some("3"), None]);
        assert_eq!(result.texts("Names").collect::<Vec<_>>(), ["a &lt; b", "<c>"]);
        assert_eq!(root.find_text("Priority"), Some("3"));
        assert_eq!((result.list("None").count(), root.find_text("None")), (0, None));
    }

    #[test]
    fn what_is_not_one_whole_document_is_none() {
        for document in ["", "no", "<a>", "<a><b></b>", "<a", "{\"a\": 1}", "</a>", "<a>\u{0}</a>"]
        {
            assert!(Element::parse(document.as_bytes()).is_none(), "{document:?}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_none());
    }
}
