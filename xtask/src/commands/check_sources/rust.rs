//! Rust as lexemes, which is enough for our rules: unlike syntax trees they see into macros, and unlike text not into comments. Pure.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A word, a literal, a sign or a bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
    in_test: bool,
}

impl Lexeme {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// A function from the first line of its signature to its closing brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// `std::{fmt, time::Duration}` is the two paths `std::fmt` and `std::time::Duration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// A file's lexemes in their order.
#[derive(Debug, Default)]
pub(super) struct Code {
    lexemes: Vec<Lexeme>,
    /// Lines of items that are compiled for tests alone.
    pub(super) test_lines: usize,
    declared_test_modules: Vec<String>,
}

impl Code {
    /// Reads a file; an error is the line that is not Rust.
    pub(super) fn read(text: &str) -> Result<Code, usize> {
        let stream: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| error.span().start().line)?;
        let mut code = Code::default();
        code.push_all(stream, false);
        Ok(code)
    }

    /// All but what is compiled for tests alone.
    pub(super) fn product(&self) -> Vec<&Lexeme> {
        self.lexemes.iter().filter(|lexeme| !lexeme.in_test).collect()
    }

    /// Every function that has a body, those of tests too.
    pub(super) fn functions(&self) -> Vec<Function> {
        let begins = |pair: &[Lexeme]| pair[0].is("fn") && pair[1].is_word();
        let at = self.lexemes.windows(2).enumerate().filter(|(_, pair)| begins(pair)).map(|(at, _)| at);
        at.filter_map(|at| self.function(at)).collect()
    }

    /// The files of the modules that this file declares for tests alone, without `.rs`.
    pub(super) fn test_modules(&self, path: &str) -> Vec<String> {
        let module = path.strip_suffix(".rs").unwrap_or(path);
        let (directory, name) = module.rsplit_once('/').unwrap_or(("", module));
        let home = if matches!(name, "mod" | "lib" | "main") { directory } else { module };
        self.declared_test_modules.iter().map(|name| format!("{home}/{name}")).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let (line, name) = (self.lexemes[at].line, self.lexemes[at + 1].text.clone());
        let mut depth = 0_usize;
        let mut has_body = false;
        for lexeme in &self.lexemes[at..] {
            match lexeme.text.as_str() {
                ";" if depth == 0 => return None,
                "{" if depth == 0 => (depth, has_body) = (1, true),
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if has_body && depth == 0 {
                return Some(Function { name, line, lines: lexeme.line - line + 1 });
            }
        }
        None
    }

    fn push_all(&mut self, stream: TokenStream, in_test: bool) {
        let trees: Vec<_> = stream.into_iter().collect();
        let mut rest = trees.as_slice();
        while let Some(tree) = rest.first() {
            let item = if !in_test && begins_test(rest) { item_length(rest) } else { 0 };
            let (tests, others) = rest.split_at(item);
            if let [first, .., last] = tests {
                self.test_lines += last.span().end().line - first.span().start().line + 1;
                self.declared_test_modules.extend(declared_module(tests));
                tests.iter().for_each(|tree| self.push(tree, true));
                rest = others;
            } else {
                self.push(tree, in_test);
                rest = &rest[1..];
            }
        }
    }

    fn push(&mut self, tree: &TokenTree, in_test: bool) {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => self.push_group(group, in_test),
            TokenTree::Punct(sign) if sign.as_char() == ':' && self.continues_colons() => {
                if let Some(last) = self.lexemes.last_mut() {
                    "::".clone_into(&mut last.text);
                }
            }
            TokenTree::Punct(sign) if sign.as_char() == ':' && sign.spacing() == Spacing::Joint => {
                self.lexemes.push(Lexeme { text: HALF.to_owned(), line, in_test });
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                self.lexemes.push(Lexeme { text: tree.to_string(), line, in_test });
            }
        }
    }

    fn continues_colons(&self) -> bool {
        self.lexemes.last().is_some_and(|last| last.is(HALF))
    }

    fn push_group(&mut self, group: &Group, in_test: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.lexemes.push(Lexeme { text: open.to_owned(), line: group.span_open().start().line, in_test });
        self.push_all(group.stream(), in_test);
        self.lexemes.push(Lexeme { text: close.to_owned(), line: group.span_close().start().line, in_test });
    }
}

/// The first of the two colons of `::`, until the second comes.
const HALF: &str = ":…";

/// Whether an item follows that is compiled for tests alone.
fn begins_test(trees: &[TokenTree]) -> bool {
    match trees {
        [TokenTree::Punct(sign), TokenTree::Group(attribute), ..] if sign.as_char() == '#' => {
            attribute.delimiter() == Delimiter::Bracket && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
        }
        _ => false,
    }
}

/// How many trees an item has, attributes and all: to its braces or its semicolon.
fn item_length(trees: &[TokenTree]) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    trees.iter().position(ends).map_or(trees.len(), |last| last + 1)
}

/// The name in `mod name;`.
fn declared_module(item: &[TokenTree]) -> Option<String> {
    match item {
        [.., TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(_)] if keyword == "mod" => Some(name.to_string()),
        _ => None,
    }
}

/// Every path among the lexemes, also those of one segment.
pub(super) fn paths(code: &[&Lexeme]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(lexeme) = code.get(at) {
        let is_member = at > 0 && code[at - 1].is(".");
        at = if lexeme.is_word() && !is_member { read_path(code, at, Vec::new(), &mut found) } else { at + 1 };
    }
    found
}

/// Reads the path that begins here, or the paths of a `{…}` in it, and returns where it ends.
fn read_path(code: &[&Lexeme], mut at: usize, mut segments: Vec<String>, found: &mut Vec<Path>) -> usize {
    let line = code.get(at).map_or(0, |lexeme| lexeme.line);
    while let Some(lexeme) = code.get(at).filter(|lexeme| lexeme.is_word() || lexeme.is("*") || lexeme.is("{")) {
        if lexeme.is("{") {
            return read_branches(code, at + 1, &segments, found);
        }
        segments.push(lexeme.text.clone());
        at += 1;
        if !code.get(at).is_some_and(|next| next.is("::")) {
            break;
        }
        at += 1;
    }
    found.push(Path { segments, line });
    at
}

fn read_branches(code: &[&Lexeme], mut at: usize, stem: &[String], found: &mut Vec<Path>) -> usize {
    while let Some(lexeme) = code.get(at) {
        at = match lexeme.text.as_str() {
            "}" => return at + 1,
            "as" => at + 2,
            _ if lexeme.is_word() || lexeme.is("*") => read_path(code, at, stem.to_vec(), found),
            _ => at + 1,
        };
    }
    at
}
