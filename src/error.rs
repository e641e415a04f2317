//! The kinds of error that Cordon knows. Each module has its own error type and says which kind it is; `service/`
//! turns the kind into a gRPC code in one place, and nothing else does. An error message is lowercase, says what to do
//! next, and never holds the caller's text.

/// What went wrong, as far as a caller or an operator has to tell cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; sending it again unchanged cannot help.
    InvalidArgument,
    /// The named thing does not exist.
    NotFound,
    /// The same `request_id` was already completed.
    AlreadyExists,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// A queue, limit or budget is full; try again later.
    ResourceExhausted,
    /// The deadline passed.
    DeadlineExceeded,
    /// The caller left.
    Cancelled,
    /// Something that the request needs is down or closed.
    Unavailable,
    /// The configuration or the state of the service does not allow it.
    FailedPrecondition,
    /// A defect of Cordon.
    Internal,
}

impl Kind {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::ResourceExhausted | Self::Unavailable | Self::DeadlineExceeded)
    }

    /// Whether an operator should look: the fault is not the caller's.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable | Self::FailedPrecondition)
    }
}
