//! A list that is sent while it is read, so that a long one needs no more memory than a short one.
//!
//! Documents are copied as the text that the store holds; none is parsed.

use rusqlite::{Connection, params_from_iter};

/// How many bytes are read before they are sent. A shorter list is sent in one piece.
const PIECE: usize = 64 << 10;

/// A list that has not been read yet: what selects its documents, and the text around them.
#[derive(Debug)]
pub(crate) struct DocumentList {
    /// The text before the documents.
    pub(crate) head: String,
    /// The query that selects the bodies of the documents.
    pub(crate) sql: String,
    /// The values of the query.
    pub(crate) values: Vec<String>,
    /// The text after the documents.
    pub(crate) tail: String,
}

impl DocumentList {
    /// Passes the list to `take` in pieces, until that returns `false`, and returns the last piece.
    ///
    /// # Errors
    ///
    /// The store cannot be read; the pieces passed so far are incomplete.
    pub(crate) fn stream_pieces(
        self,
        db: &Connection,
        mut take: impl FnMut(String) -> bool,
    ) -> rusqlite::Result<String> {
        let mut piece = self.head;
        let mut statement = db.prepare_cached(&self.sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let mut separator = "";
        while let Some(row) = rows.next()? {
            piece.push_str(separator);
            piece.push_str(row.get_ref(0)?.as_str()?);
            separator = ",";
            if piece.len() >= PIECE && !take(std::mem::take(&mut piece)) {
                return Ok(piece);
            }
        }
        piece.push_str(&self.tail);
        Ok(piece)
    }

    /// The whole list as text, if it is short or cannot be streamed.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) fn collect_text(self, db: &Connection) -> rusqlite::Result<String> {
        let mut whole = String::new();
        let last = self.stream_pieces(db, |piece| {
            whole.push_str(&piece);
            true
        })?;
        Ok(whole + &last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: usize) -> DocumentList {
        DocumentList {
            head: "[".to_owned(),
            sql: "with recursive row(n) as (select 1 union all select n + 1 from row where n < ?1 + 0)
                  select '\"' || hex(zeroblob(500)) || '\"' from row"
                .to_owned(),
            values: vec![rows.to_string()],
            tail: "]".to_owned(),
        }
    }

    #[test]
    fn a_list_streams_in_bounded_pieces() {
        let db = Connection::open_in_memory().unwrap();
        let mut pieces = Vec::new();
        let last = list(1000).stream_pieces(&db, |piece| {
            pieces.push(piece);
            true
        });
        pieces.push(last.unwrap());
        assert!(pieces.iter().all(|other| other.len() < PIECE + 1004));
        assert!(pieces.len() > 10);
        let texts: Vec<String> = serde_json::from_str(&pieces.concat()).unwrap();
        assert_eq!(texts.len(), 1000);
    }

    #[test]
    fn streaming_stops_when_the_consumer_stops() {
        let db = Connection::open_in_memory().unwrap();
        let mut pieces = 0;
        let last = list(1000).stream_pieces(&db, |_| {
            pieces += 1;
            false
        });
        assert_eq!((pieces, last.unwrap().len()), (1, 0));
    }
}
