//! Counts the bytes that the detector reads, so that a test can hold them to a multiple of the text's length. Every place
//! that reads a piece of the text says how much; outside tests the count goes nowhere.

#[cfg(test)]
thread_local! {
    static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes are read.
#[inline]
pub(super) fn read(bytes: usize) {
    #[cfg(test)]
    READ.with(|read| read.set(read.get() + bytes));
    let _ = bytes;
}

/// Bytes that this thread read since it last asked.
#[cfg(test)]
pub(super) fn taken() -> usize {
    READ.with(std::cell::Cell::take)
}
