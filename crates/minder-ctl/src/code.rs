//! What supervisorctl exits with.

use minder_rpc::FaultCode;

/// The code that a command leaves. The last one that sets it wins; success never resets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// All went well.
    Success,
    /// Something went wrong.
    Generic,
    /// The arguments make no sense.
    InvalidArguments,
    /// The server does not offer Supervisor's interface.
    Unimplemented,
    /// The server refuses connections.
    Refused,
    /// The server speaks another version of the interface.
    OtherVersion,
    /// No server, or a process that is dead or died.
    NotRunning,
    /// Of `status`: a process is down.
    StatusDown,
    /// Of `status`: cannot tell.
    StatusUnknown,
}

impl Code {
    /// The number: the init script actions of the Linux Standard Base.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Generic => 1,
            Self::InvalidArguments => 2,
            Self::Unimplemented | Self::StatusDown => 3,
            Self::Refused | Self::StatusUnknown => 4,
            Self::OtherVersion => 5,
            Self::NotRunning => 7,
        }
    }

    /// The code that a refusal to act on a process leaves.
    pub(crate) fn of_fault(fault: FaultCode) -> Self {
        match fault {
            FaultCode::SpawnError | FaultCode::AbnormalTermination | FaultCode::NotRunning => {
                Self::NotRunning
            }
            FaultCode::Success => Self::Success,
            FaultCode::UnknownMethod
            | FaultCode::IncorrectParameters
            | FaultCode::BadArguments
            | FaultCode::SignatureUnsupported
            | FaultCode::ShutdownState
            | FaultCode::BadName
            | FaultCode::BadSignal
            | FaultCode::NoFile
            | FaultCode::NotExecutable
            | FaultCode::Failed
            | FaultCode::AlreadyStarted
            | FaultCode::AlreadyAdded
            | FaultCode::StillRunning
            | FaultCode::CantReread
            | FaultCode::NotInWhitelist => Self::Generic,
        }
    }
}
