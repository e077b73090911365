//! Quotas.

/// Something of which only so many may be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in `DescribeVpcLimits`.
    pub name: &'static str,
    /// How many unless somebody changes it.
    pub default: u64,
    /// What it limits.
    pub meaning: &'static str,
}

macro_rules! limits {
    ($($field:ident $name:literal $default:literal $meaning:literal)*) => {
        /// How many of each thing may be had.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $meaning] pub $field: u64,)*
        }
        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default,)* }
            }
        }
        impl Limits {
            /// Every limit there is.
            pub const ALL: &'static [Limit] =
                &[$(Limit { name: $name, default: $default, meaning: $meaning },)*];
            /// The value of a limit by its name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name { $($name => Some(self.$field),)* _ => None }
            }
            /// Sets a limit by its name; `false` where there is none of that name.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name { $($name => self.$field = value,)* _ => return false }
                true
            }
        }
    };
}

limits! {
    vpcs "appid-max-vpcs" 20 "VPCs in a region."
    subnets "vpc-max-subnets" 100 "Subnets in a VPC."
    havips "vpc-max-havips" 10 "HAVIPs in a VPC."
    enis "appid-max-enis" 1000 "Network interfaces in a region."
    cvm_enis "cvm-max-enis" 10 "Network interfaces of a machine."
    eni_addresses "eni-max-private-ips" 30 "Private addresses of a network interface."
    eips "appid-max-eips" 20 "Elastic IPs in a region."
    range "havip-max-associations" 10 "Machines and interfaces that a HAVIP may be limited to."
}
