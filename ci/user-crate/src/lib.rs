//! Whatever the cluster of this configuration serves.
