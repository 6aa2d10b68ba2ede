//! Lists: one page with its links, or all documents as a bare array.
//!
//! A [`ListFilter`] only describes a list; its documents are read while they are sent.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    kind::DocumentKind,
    list::DocumentList,
    people::Person,
    request::SandboxRequest,
    url,
};
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Which documents of a kind to list.
#[derive(Debug)]
pub(crate) struct ListFilter<'a> {
    kind: &'static DocumentKind,
    request: &'a SandboxRequest,
    conditions: Vec<String>,
    values: Vec<String>,
    /// The expression that is listed for a row.
    columns: &'static str,
}

impl<'a> ListFilter<'a> {
    /// The documents of a space that match the parameters of every list.
    pub(crate) fn new(
        kind: &'static DocumentKind,
        space: &str,
        request: &'a SandboxRequest,
    ) -> Self {
        let mut filter = Self::all_spaces(kind, request);
        filter.add_condition("space =", space);
        filter
    }

    /// The same for all spaces and the instance.
    pub(crate) fn all_spaces(kind: &'static DocumentKind, request: &'a SandboxRequest) -> Self {
        let mut filter = Self::without_name(kind, request);
        if let Some(name) = request.parameter("name") {
            filter.add_condition("name =", name);
        }
        filter
    }

    /// The same, where `name` is a parameter with a meaning of its own.
    pub(crate) fn without_name(kind: &'static DocumentKind, request: &'a SandboxRequest) -> Self {
        let mut filter =
            Self { kind, request, conditions: Vec::new(), values: Vec::new(), columns: "body" };
        filter.add_condition("kind =", kind.prefix);
        if let Some(ids) = request.list_parameter("ids") {
            filter.add_any_of("id", &ids);
        }
        if let Some(part) = request.parameter("partialname") {
            filter.add_condition("instr(lower(name), lower(?)) > 0", part);
        }
        filter
    }

    /// Keeps the documents of the spaces in `spaces`, and those of the instance unless `includeSystem` is `false`.
    pub(crate) fn limit_to_spaces(&mut self) {
        let system = self.request.parameter("includesystem");
        let system = !system.is_some_and(|value| value.eq_ignore_ascii_case("false"));
        match self.request.list_parameter("spaces") {
            Some(mut spaces) => {
                spaces.extend(system.then(String::new));
                self.add_any_of("space", &spaces);
            }
            None if !system => self.add_condition("space <>", ""),
            None => {}
        }
    }

    /// Lists an expression over the columns in place of the whole document.
    pub(crate) fn select_expression(&mut self, expression: &'static str) {
        self.columns = expression;
    }

    /// Keeps the documents for which a condition holds. Its value goes where `?` is, or at the end.
    pub(crate) fn add_condition(&mut self, condition: &str, value: &str) {
        self.values.push(value.to_owned());
        let place = format!("?{}", self.values.len());
        self.conditions.push(if condition.contains('?') {
            condition.replace('?', &place)
        } else {
            format!("{condition} {place}")
        });
    }

    /// Keeps the documents in which an expression has one of these values, without regard to case.
    pub(crate) fn add_any_of(&mut self, expression: &str, values: &[String]) {
        let condition = self.any_condition(&format!("{expression} collate nocase"), values);
        self.conditions.push(condition);
    }

    /// Applies [`Self::add_any_of`] to each of these parameters that the request has.
    pub(crate) fn add_parameters(&mut self, parameters: &[(&str, &str)]) {
        for (parameter, expression) in parameters {
            if let Some(values) = self.request.list_parameter(parameter) {
                self.add_any_of(expression, &values);
            }
        }
    }

    /// Applies [`Self::add_array_any_of`] to each of these parameters that the request has.
    pub(crate) fn add_array_parameters(&mut self, parameters: &[(&str, &str)]) {
        for (parameter, path) in parameters {
            if let Some(values) = self.request.list_parameter(parameter) {
                self.add_array_any_of(path, &values);
            }
        }
    }

    /// Keeps the documents in which an expression is true, or false, as a parameter of the request wants.
    pub(crate) fn add_flag_parameter(&mut self, parameter: &str, expression: &str) {
        if let Some(flag) = self.request.flag_parameter(parameter) {
            let flag = if flag { "1" } else { "0" };
            self.add_condition(&format!("cast({expression} as text) ="), flag);
        }
    }

    /// Lists nothing for a person who may not view the kind: Octopus shortens such lists, and does not refuse them.
    pub(crate) fn shown_to(mut self, person: &Person) -> Self {
        if !person.has_permission(self.kind.view) {
            self.add_condition("id =", "");
        }
        self
    }

    /// Keeps the documents that have one of these values in the array at a JSON path.
    pub(crate) fn add_array_any_of(&mut self, path: &str, values: &[String]) {
        let inner = self.any_condition("it.value collate nocase", values);
        self.conditions
            .push(format!("exists (select 1 from json_each(body, '{path}') it where {inner})"));
    }

    fn any_condition(&mut self, expression: &str, values: &[String]) -> String {
        let places: Vec<String> = values
            .iter()
            .map(|value| {
                self.values.push(value.clone());
                format!("?{}", self.values.len())
            })
            .collect();
        format!("{expression} in ({})", places.join(", "))
    }

    /// All documents, as a bare array.
    pub(crate) fn array_answer(&self) -> SandboxResponse {
        SandboxResponse::from_list(self.build_list("[".to_owned(), RowRange::ALL, "]".to_owned()))
    }

    /// The documents themselves.
    pub(crate) fn read_values(&self, db: &Connection) -> HandlerResult<Vec<Value>> {
        let list = self.build_list("[".to_owned(), RowRange::ALL, "]".to_owned());
        Ok(serde_json::from_str(&list.collect_text(db)?)?)
    }

    /// One page, served at `path`.
    pub(crate) fn page_answer(&self, db: &Connection, path: &str) -> HandlerResult {
        self.sized_page(db, path, self.kind.take)
    }

    /// One page, of `take` documents unless the request sets a size.
    pub(crate) fn sized_page(&self, db: &Connection, path: &str, take: usize) -> HandlerResult {
        Ok(SandboxResponse::from_list(self.page_list(db, path, take)?))
    }

    /// One page as text, of `take` documents unless the request sets a size.
    pub(crate) fn page_text(
        &self,
        db: &Connection,
        path: &str,
        take: usize,
    ) -> HandlerResult<String> {
        Ok(self.page_list(db, path, take)?.collect_text(db)?)
    }

    fn page_list(&self, db: &Connection, path: &str, take: usize) -> HandlerResult<DocumentList> {
        let range = RowRange::from_request(self.request, take);
        let place = PagePosition { total: self.count_rows(db)?, range };
        let head = format!(
            r#"{{"Id":null,"ItemType":"{}","TotalResults":{},"ItemsPerPage":{},"NumberOfPages":{},"LastPageNumber":{},"Items":["#,
            self.kind.item,
            place.total,
            range.take,
            place.page_count(),
            place.page_count().saturating_sub(1),
        );
        let links = place.page_links(path, &self.link_query());
        Ok(self.build_list(head, range, format!(r#"],"Links":{links}}}"#)))
    }

    fn count_rows(&self, db: &Connection) -> HandlerResult<usize> {
        let sql = format!("select count(*) from document where {}", self.conditions.join(" and "));
        let count: i64 =
            db.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn build_list(&self, head: String, range: RowRange, tail: String) -> DocumentList {
        let sql_limit = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let sql = format!(
            "select {} from document where {} order by {} limit {} offset {}",
            self.columns,
            self.conditions.join(" and "),
            self.kind.order,
            sql_limit(range.take),
            sql_limit(range.skip),
        );
        DocumentList { head, sql, values: self.values.clone(), tail }
    }

    /// The parameters that links to other pages repeat.
    fn link_query(&self) -> String {
        let is_page_parameter = |name: &str| matches!(name, "skip" | "take" | "apikey");
        let rest = self.request.query.iter().filter(|(name, _)| !is_page_parameter(name));
        rest.fold(String::new(), |mut text, (name, value)| {
            _ = write!(text, "&{name}={}", url::percent_encode(value));
            text
        })
    }
}

/// One page of values in memory, served at `path`.
pub(crate) fn paginate_values(
    request: &SandboxRequest,
    kind: &DocumentKind,
    path: &str,
    all: Vec<Value>,
) -> SandboxResponse {
    let range = RowRange::from_request(request, kind.take);
    let place = PagePosition { total: all.len(), range };
    let items: Vec<Value> = all.into_iter().skip(range.skip).take(range.take).collect();
    SandboxResponse::from_document(&json!({
        "Id": null,
        "ItemType": kind.item,
        "TotalResults": place.total,
        "ItemsPerPage": range.take,
        "NumberOfPages": place.page_count(),
        "LastPageNumber": place.page_count().saturating_sub(1),
        "Items": items,
        "Links": place.page_links(path, ""),
    }))
}

/// The rows of a list that a request wants.
#[derive(Clone, Copy)]
struct RowRange {
    skip: usize,
    take: usize,
}

impl RowRange {
    const ALL: Self = Self { skip: 0, take: usize::MAX };

    /// The rows that `skip` and `take` select, `take` being `default` unless the request sets it.
    fn from_request(request: &SandboxRequest, default: usize) -> Self {
        Self {
            skip: request.number_parameter("skip").unwrap_or(0),
            take: request.number_parameter("take").unwrap_or(default),
        }
    }
}

/// Where a page lies in its list.
struct PagePosition {
    total: usize,
    range: RowRange,
}

impl PagePosition {
    fn page_count(&self) -> usize {
        self.total.div_ceil(self.range.take.max(1)).max(1)
    }

    fn page_links(&self, path: &str, rest: &str) -> Value {
        let Self { total, range: RowRange { skip, take } } = *self;
        let page_url = |skip: usize| json!(format!("{path}?skip={skip}&take={take}{rest}"));
        let mut links = Map::new();
        let mut add_link = |name: &str, link: Value| _ = links.insert(name.to_owned(), link);
        add_link("Self", page_url(skip));
        add_link("Template", json!(format!("{path}{{?skip,take,ids,partialName}}")));
        add_link("Page.All", json!(format!("{path}?skip=0&take=2147483647{rest}")));
        if take > 0 && skip.saturating_add(take) < total {
            add_link("Page.Next", page_url(skip + take));
        }
        if skip > 0 {
            add_link("Page.Previous", page_url(skip.saturating_sub(take)));
        }
        add_link("Page.Current", page_url(skip));
        // As on a real server, a long list has links to its first pages only.
        for number in 0..self.page_count().min(5) {
            add_link(&format!("Page.{number}"), page_url(number * take));
        }
        add_link("Page.Last", page_url((self.page_count() - 1) * take));
        Value::Object(links)
    }
}
