//! XML answers: a tree of elements, written with everything escaped.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// An element with either text or elements inside.
pub(super) struct Element {
    name: Cow<'static, str>,
    namespace: Option<&'static str>,
    content: Content,
}

enum Content {
    Text(String),
    Elements(Vec<Element>),
}

impl Element {
    pub(super) fn new(name: impl Into<Cow<'static, str>>) -> Element {
        Element { name: name.into(), namespace: None, content: Content::Elements(Vec::new()) }
    }

    /// An element that holds only text.
    pub(super) fn leaf(name: &'static str, text: &str) -> Element {
        Element { name: name.into(), namespace: None, content: Content::Text(printable(text)) }
    }

    pub(super) fn namespace(mut self, namespace: &'static str) -> Element {
        self.namespace = Some(namespace);
        self
    }

    pub(super) fn child(mut self, child: Element) -> Element {
        match &mut self.content {
            Content::Elements(children) => children.push(child),
            Content::Text(_) => self.content = Content::Elements(vec![child]),
        }
        self
    }

    pub(super) fn text(self, name: &'static str, text: &str) -> Element {
        self.child(Element::leaf(name, text))
    }

    /// The element as a whole document.
    pub(super) fn document(&self) -> String {
        let mut writer = Writer::new(Vec::new());
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        writer
            .write_event(Event::Decl(declaration))
            .and_then(|()| self.write(&mut writer))
            .expect("writing to memory does not fail");
        String::from_utf8(writer.into_inner()).expect("all that was written is UTF-8")
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let mut element = writer.create_element(self.name.as_ref());
        if let Some(namespace) = self.namespace {
            element = element.with_attribute(("xmlns", namespace));
        }
        match &self.content {
            Content::Text(text) => element.write_text_content(BytesText::new(text))?,
            Content::Elements(children) => element
                .write_inner_content(|writer| children.iter().try_for_each(|child| child.write(writer)))?,
        };
        Ok(())
    }
}

/// XML has no way to say most control characters.
fn printable(text: &str) -> String {
    let is_sayable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().map(|c| if is_sayable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}
