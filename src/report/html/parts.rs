//! The small pieces of the page: tables, badges, cells. Every string of a log goes through `maud`, which escapes it.

use maud::{Markup, Render, html};

use crate::policy::Sensitivity;

use super::super::tally::{Counted, Ranking};
use super::format::{count, counted};

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Words.
    Text(&'static str),
    /// Numbers, on the right.
    Number(&'static str),
    /// A bar; its heading is for readers of the screen alone.
    Bar,
}

impl Column {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Text(_) => None,
            Self::Number(_) => Some("num"),
            Self::Bar => Some("bar"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Number(name) => name,
            Self::Bar => "",
        }
    }
}

/// One row: the cells of a table, whose first is the heading of the row.
pub(crate) struct Row {
    pub(crate) cells: Vec<Markup>,
    /// Whether it stands for several rows.
    pub(crate) rest: bool,
}

impl Row {
    pub(crate) fn of(cells: impl IntoIterator<Item = Markup>) -> Self {
        Self { cells: cells.into_iter().collect(), rest: false }
    }
}

/// A table that scrolls by itself where it is too wide, also by keyboard.
pub(crate) fn table(caption: impl Render, columns: &[Column], rows: &[Row]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    @for column in columns {
                        @if *column == Column::Bar { td.bar {} } @else { th scope="col" class=[column.class()] { (column.name()) } }
                    }
                } }
                tbody {
                    @for row in rows {
                        tr class=[row.rest.then_some("rest")] {
                            @for (index, (column, cell)) in columns.iter().zip(&row.cells).enumerate() {
                                @if index == 0 { th scope="row" class=[column.class()] { (cell) } }
                                @else { td class=[column.class()] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The first rows of a ranking, and one row for all others. `cells` makes the cells after the name.
pub(crate) fn ranking<V: Counted>(
    caption: impl Render,
    columns: &[Column],
    ranking: &Ranking<V>,
    (most, noun): (usize, &str),
    name: impl Fn(&str) -> Markup,
    cells: impl Fn(&V) -> Vec<Markup>,
) -> Markup {
    let (shown, rest) = ranking.top(most);
    let row = |name: Markup, counts: &V, rest: bool| Row {
        cells: std::iter::once(name).chain(cells(counts)).collect(),
        rest,
    };
    let mut rows: Vec<Row> = shown.iter().map(|named| row(name(&named.name), &named.counts, false)).collect();
    if let Some(rest) = rest {
        let more = if rest.at_least { "more than " } else { "" };
        rows.push(row(html! { "other: " (more) (counted(rest.names as u64, noun)) }, &rest.counts, true));
    }
    if rows.is_empty() {
        html! {}
    } else {
        table(caption, columns, &rows)
    }
}

/// A level, in its colour and by its name.
pub(crate) fn level(level: Sensitivity) -> Markup {
    html! { span class={ "level " (level.as_str()) } { (level.as_str()) } }
}

/// A number; a faint dash for none, so that what is there stands out.
pub(crate) fn number(of: u64) -> Markup {
    if of == 0 {
        html! { span.soft { "–" } }
    } else {
        html! { (count(of)) }
    }
}

/// A bar as long as its share.
pub(crate) fn bar(part: u64, whole: u64) -> Markup {
    let width = if whole == 0 { 0 } else { (u128::from(part) * 1000 / u128::from(whole)).max(u128::from(part > 0)) };
    html! {
        svg viewBox="0 0 1000 9" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class="f-bar" x="0" y="0" width=(width) height="9" {}
        }
    }
}

/// A word in the type of a machine.
pub(crate) fn code(word: &str) -> Markup {
    html! { code { (word) } }
}
