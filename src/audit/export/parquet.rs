//! Parquet: a flat schema of strings, 64-bit integers, flags and times, which every reader knows.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::ExportError;
use super::columns::{COLUMNS, Cell, Column, ColumnKind};
use crate::audit::StoredDecision;

/// Rows in a group, which is held in memory: about ten megabytes.
const GROUP: usize = 10_000;

pub(super) struct Rows<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// The cells of the group that is not written yet, by column.
    group: Vec<Vec<Cell>>,
}

fn failed(error: ParquetError) -> ExportError {
    ExportError::Write(error.to_string())
}

impl<W: Write + Send> Rows<W> {
    pub(super) fn new(writer: W) -> Result<Self, ExportError> {
        let zstd = ZstdLevel::try_new(3).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd))
            .set_created_by(concat!("cordon ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(writer, Arc::new(schema()?), Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, group: COLUMNS.iter().map(|_| Vec::new()).collect() })
    }

    pub(super) fn push(&mut self, stored: &StoredDecision) -> Result<(), ExportError> {
        for (column, cells) in COLUMNS.iter().zip(&mut self.group) {
            cells.push((column.value)(stored));
        }
        if self.group.first().is_some_and(|cells| cells.len() >= GROUP) { self.write_group() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<W, ExportError> {
        self.write_group()?;
        // Writes the footer as well.
        self.writer.into_inner().map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        if self.group.first().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for (column, cells) in COLUMNS.iter().zip(&mut self.group) {
            let Some(mut writer) = group.next_column().map_err(failed)? else {
                return Err(ExportError::Write("a column has no place in the schema".to_owned()));
            };
            write_column(&mut writer, column, cells).map_err(failed)?;
            writer.close().map_err(failed)?;
            cells.clear();
        }
        group.close().map(|_| ()).map_err(failed)
    }
}

fn schema() -> Result<Type, ExportError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            ColumnKind::Integer => (Physical::INT64, None),
            ColumnKind::Flag => (Physical::BOOLEAN, None),
            ColumnKind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        Type::primitive_type_builder(column.name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Type::group_type_builder("decisions").with_fields(fields).build().map_err(failed)
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: &Column, cells: &[Cell]) -> Result<(), ParquetError> {
    let present = |cell: &Cell| match cell {
        Cell::Text(value) => value.is_some(),
        Cell::Integer(value) | Cell::Time(value) => value.is_some(),
        Cell::Flag(value) => value.is_some(),
    };
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(present(cell))).collect();
    let levels = (!column.required).then_some(levels.as_slice());
    match column.kind {
        ColumnKind::Text => {
            let text = |cell: &Cell| match cell {
                Cell::Text(text) => text.as_deref().map(ByteArray::from),
                _ => None,
            };
            let values: Vec<ByteArray> = cells.iter().filter_map(text).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
        ColumnKind::Integer | ColumnKind::Time => {
            let number = |cell: &Cell| match cell {
                Cell::Integer(number) | Cell::Time(number) => *number,
                _ => None,
            };
            let values: Vec<i64> = cells.iter().filter_map(number).collect();
            writer.typed::<Int64Type>().write_batch(&values, levels, None)?;
        }
        ColumnKind::Flag => {
            let flag = |cell: &Cell| match cell {
                Cell::Flag(flag) => *flag,
                _ => None,
            };
            let values: Vec<bool> = cells.iter().filter_map(flag).collect();
            writer.typed::<BoolType>().write_batch(&values, levels, None)?;
        }
    }
    Ok(())
}
