//! How domain values become columns and back: ids as integers, unit enums as words, structures as JSON.
//!
//! Decides nothing. Everything read is checked: what does not parse is a damaged database.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};

use crate::domain::counts::Counts;
use crate::domain::ids::{
    CredentialId, CredentialRequestId, EndNoticeId, FolderId, ItemId, MailId, PassId, PoolId, ProjectId, Uid,
};
use crate::domain::ids::{HybridBatchId, HybridOrderId, HybridProjectId, HybridUserId};
use crate::domain::time::Timestamp;

macro_rules! integers {
    ($($id:ident),*) => {$(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }
        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
    )*};
}
integers!(ProjectId, ItemId, PassId, FolderId, CredentialId, CredentialRequestId, EndNoticeId, MailId, PoolId, Uid);
integers!(HybridProjectId, HybridBatchId, HybridUserId, HybridOrderId);

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.millis().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_millis)
    }
}

/// A structure kept as JSON text.
pub(super) struct Json<T>(pub T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|e| FromSqlError::Other(e.into()))
    }
}

/// A unit enum kept as its serde word.
pub(super) struct Word<T>(pub T);

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(word)) => Ok(word.into()),
            _ => Err(rusqlite::Error::ToSqlConversionFailure("only unit variants are kept as words".into())),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word: StrDeserializer<'_, WordError> = StrDeserializer::new(value.as_str()?);
        T::deserialize(word).map(Self).map_err(|e| FromSqlError::Other(e.into()))
    }
}

/// Reads the columns of a row one after the other, in the order of the query's list.
pub(super) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    at: usize,
}

impl<'r, 's> Columns<'r, 's> {
    pub(super) fn of(row: &'r Row<'s>) -> Self {
        Self { row, at: 0 }
    }

    pub(super) fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let at = self.at;
        self.at += 1;
        self.row.get(at)
    }

    /// A count: never negative.
    pub(super) fn count(&mut self) -> rusqlite::Result<u64> {
        Ok(unsigned(self.next()?))
    }

    /// A time in a column that cannot be empty: 0 stands for none.
    pub(super) fn time_or_none(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        let millis: i64 = self.next()?;
        Ok((millis != 0).then_some(Timestamp::from_millis(millis)))
    }

    pub(super) fn word<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        Ok(self.next::<Word<T>>()?.0)
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        Ok(self.next::<Json<T>>()?.0)
    }

    pub(super) fn maybe_word<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        Ok(self.next::<Option<Word<T>>>()?.map(|w| w.0))
    }

    pub(super) fn maybe_json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        Ok(self.next::<Option<Json<T>>>()?.map(|j| j.0))
    }

    /// What a text stands for.
    pub(super) fn parsed<T>(&mut self) -> rusqlite::Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let at = self.at;
        let text: String = self.next()?;
        let damaged = |error: T::Err| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, error.into());
        text.parse().map_err(damaged)
    }

    /// The columns of counters, in the order of [`Counts`].
    pub(super) fn counts(&mut self) -> rusqlite::Result<Counts> {
        Ok(Counts {
            source: self.count()?,
            copied: self.count()?,
            already_there: self.count()?,
            skipped: self.count()?,
            vanished: self.count()?,
            errors: self.count()?,
            bytes: self.count()?,
            flags_updated: self.count()?,
            waiting: self.count()?,
            arrived: self.count()?,
            differ: self.count()?,
        })
    }
}

/// A count as SQLite keeps it: never negative.
pub(super) fn unsigned(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// An unsigned number as SQLite keeps it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
