//! The language as a whole: what each statement reads as, what is refused and how, and the way there and back.

mod errors;
mod prepare;
mod round_trip;
mod statements;

/// The example of the design.
const POWER_OFF: &str = "\
# The primary loses power; the standby holds the HAVIP within 4 s, and keeps it when the primary returns.
scenario power-off
run 60s seed 7

vpc     172.16.0.0/16
subnet  172.16.16.0/24  latency 200us..400us
havip   172.16.16.12
cvm     a  172.16.16.5  keepalived conf/pair.conf       # the machine's name is keepalived's -i id:
cvm     b  172.16.16.6  keepalived conf/pair.conf       # `@a priority 100` in the file is a's line
client  web 172.16.16.100  probe 172.16.16.12 every 10ms

at 20s  power-off a
at 40s  power-on a

expect by 24s           master b              # 3 + (256-90)/256 = 3.648 s after a's last advert
expect during 24s..60s  master b              # nopreempt on both
expect in 20s..40s      outage web <= 3.7s
expect never            two-masters > 5ms
";

/// Two machines, a client and a cloud; lines 1 to 9.
const PAIR: &str = "\
scenario pair
run 60s

vpc    172.16.0.0/16
subnet 172.16.16.0/24
havip  172.16.16.12
cvm    a 172.16.16.5 keepalived conf/pair.conf
cvm    b 172.16.16.6 keepalived conf/pair.conf
client web 172.16.16.100 probe 172.16.16.12 every 10ms
";
