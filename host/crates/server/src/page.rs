//! Lists in pages: the one way in which every list of the API is cut.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::codes::Code;
use crate::problem::Problem;

/// Rows of a page, unless asked for others.
const LIMIT_DEFAULT: usize = 50;
/// Rows of a page, at most.
const LIMIT_MAX: usize = 500;

/// Parameters of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Rows of a page, at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before; none for the first page.
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// Rows, in the order of the list.
    items: Vec<T>,
    /// What to send as `cursor` for the page after this one; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    limit: usize,
    cursor: Option<String>,
}

/// The part of a certain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    list: &'static str,
    limit: usize,
    after: Option<String>,
}

/// Parameters after `?`, all of them known.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|e| Problem::new(Code::QueryInvalid).detail(e.body_text()))
    }
}

impl<S: Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asked(PageQuery { limit, cursor }) = Asked::from_request_parts(parts, state).await?;
        Self::new(limit, cursor)
    }
}

impl Paging {
    /// What the parameters of a list say that has others beside these.
    pub(crate) fn new(limit: Option<usize>, cursor: Option<String>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let detail = format!("`limit` is {limit}, 1 to {LIMIT_MAX} is expected");
            return Err(Problem::new(Code::QueryInvalid).detail(detail));
        }
        Ok(Self { limit, cursor })
    }

    /// The part of the list of that name; a cursor of another list is refused.
    pub(crate) fn of(self, list: &'static str) -> Result<Part, Problem> {
        let after = match &self.cursor {
            None => None,
            Some(cursor) => {
                Some(read(list, cursor).ok_or_else(|| Problem::new(Code::CursorInvalid))?)
            }
        };
        Ok(Part { list, limit: self.limit, after })
    }
}

impl Part {
    /// The last row of the page before.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Rows of the page, at most.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many rows to fetch: one more than a page has, which tells whether there is another page.
    pub(crate) const fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// The page of the rows that were fetched; `key` names the row that a page begins after.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> &str) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| written(self.list, key(row)));
        Page { items: rows, next }
    }
}

impl Part {
    /// A page of rows that were gathered by something else than their number; `after` names the place to go on behind.
    pub(crate) fn open_page<T>(&self, items: Vec<T>, after: Option<String>) -> Page<T> {
        Page { items, next: after.map(|after| written(self.list, &after)) }
    }
}

impl<T> Page<T> {
    /// Rows, in the order of the list.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// What leads to the page after this one.
    pub(crate) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The same page with each row as clients see it.
    pub(crate) fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(show).collect(), next: self.next }
    }

    /// As [`Page::map`], where what a row shows may not be readable.
    pub(crate) fn try_map<U, E>(self, show: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let items = self.items.into_iter().map(show).collect::<Result<_, _>>()?;
        Ok(Page { items, next: self.next })
    }
}

/// A parameter of a form: an empty field is none.
pub(crate) fn filled(field: Option<String>) -> Option<String> {
    field.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A cursor says nothing to clients, and may hold something else tomorrow.
fn written(list: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}\n{last}"))
}

fn read(list: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (of, last) = text.split_once('\n')?;
    (of == list).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{Paging, read, written};
    use crate::codes::Code;

    #[test]
    fn pages_cover_a_list_once_whatever_their_size() {
        let all: Vec<String> = (0..10).map(|n| format!("row\n{n}")).collect();
        for limit in 1..=11 {
            let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
            loop {
                let part = Paging { limit, cursor }.of("rows").unwrap();
                let from = part
                    .after()
                    .map_or(0, |last| all.iter().position(|row| row == last).unwrap() + 1);
                let rows = all[from..].iter().take(part.fetch()).cloned().collect();
                let page = part.page(rows, |row: &String| row.as_str());
                assert!(page.items.len() <= limit);
                seen.extend(page.items);
                pages += 1;
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, all);
            assert_eq!(pages, all.len().div_ceil(limit), "no empty page at the end");
        }
    }

    #[test]
    fn cursors_of_other_lists_and_made_up_ones_are_refused() {
        assert_eq!(read("rows", &written("rows", "a")).unwrap(), "a");
        for bad in [written("others", "a"), String::new(), "%%".to_owned(), "AAAA".to_owned()] {
            let paging = Paging { limit: 1, cursor: Some(bad) };
            assert_eq!(paging.of("rows").unwrap_err().code(), Code::CursorInvalid);
        }
    }
}
