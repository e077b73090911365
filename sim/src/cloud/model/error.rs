//! Refusals, in the words of the cloud's API.

use std::borrow::Cow;

/// An error code of the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub Cow<'static, str>);

/// An operation that is not carried out, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.0)]
pub struct Refused {
    /// What clients decide by.
    pub code: Code,
    /// What people read.
    pub message: String,
}

impl Refused {
    /// A refusal.
    pub fn new(code: Code, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }
    pub(super) fn missing(what: &str, id: &str) -> Refused {
        Refused::new(Code::NOT_FOUND, format!("The {what} `{id}` does not exist."))
    }
}

macro_rules! codes {
    ($($name:ident $text:literal)*) => {
        impl Code {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Code = Code(Cow::Borrowed($text));)*
            /// Every code that the model refuses with.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
        }
    };
}

codes! {
    UNSUPPORTED_REGION "UnsupportedRegion"
    MISSING_PARAMETER "MissingParameter"
    COEXIST "InvalidParameter.Coexist"
    RANGE "InvalidParameterValue.Range"
    RESERVED "InvalidParameterValue.Reserved"
    MALFORMED "InvalidParameterValue.Malformed"
    TOO_LONG "InvalidParameterValue.TooLong"
    EMPTY "InvalidParameterValue.Empty"
    DUPLICATE "InvalidParameterValue.Duplicate"
    DUPLICATED_ASSOCIATIONS "InvalidParameterValue.DuplicatedHaVipAssociations"
    VALUE_LIMIT "InvalidParameterValue.LimitExceeded"
    MISMATCH "InvalidParameterValue.ParameterMismatch"
    SUBNET_RANGE "InvalidParameterValue.SubnetRange"
    SUBNET_CONFLICT "InvalidParameterValue.SubnetConflict"
    ZONE "InvalidParameterValue.UnavailableZone"
    INVALID_TAG "InvalidParameterValue.InvalidTag"
    TAG_DUPLICATE "InvalidParameterValue.TagDuplicateKey"
    IN_USE "ResourceInUse"
    NOT_FOUND "ResourceNotFound"
    INSUFFICIENT "ResourceInsufficient"
    LIMIT "LimitExceeded"
    UNSUPPORTED "UnsupportedOperation"
    BIND_EIP "UnsupportedOperation.BindEIP"
    UNBIND_EIP "UnsupportedOperation.UnbindEIP"
    MUTEX "UnsupportedOperation.MutexOperationTaskRunning"
    IN_RANGE "UnsupportedOperation.InstanceAssociateHavip"
    INVALID_STATE "UnsupportedOperation.InvalidState"
    ATTACHED "UnsupportedOperation.AttachmentAlreadyExists"
    NOT_ATTACHED "UnsupportedOperation.AttachmentNotFound"
    VPC_MISMATCH "UnsupportedOperation.VpcMismatch"
    ZONE_MISMATCH "UnsupportedOperation.ZoneMismatch"
    IDEMPOTENT_MISMATCH "UnsupportedOperation.IdempotentParameterMismatch"
    ADDRESS_NOT_FOUND "InvalidAddressId.NotFound"
    ADDRESS_STATUS "InvalidAddressIdStatus.NotPermit"
    ADDRESS_QUOTA "AddressQuotaLimitExceeded"
}
