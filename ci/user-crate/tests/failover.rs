//! Every file of `scenarios/` is a test; its record is the snapshot of its name in `snapshots/`.

fn main() -> std::process::ExitCode {
    havip_sim::harness("scenarios", "snapshots")
}
