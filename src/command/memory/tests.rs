//! Which limits there are, and when they are as good as reached.

use std::path::Path;
use std::{env, fs, process};

use super::{Limit, of_group, of_process, used_of_group, used_of_process};

const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max data size             unlimited            unlimited            bytes     
Max address space         307200000            unlimited            bytes     
";

#[test]
fn a_soft_limit_is_one_and_unlimited_is_none() {
    let address_space = Limit::Process {
        name: "address space (ulimit -v)",
        line: "VmSize",
        most: 307_200_000,
    };
    assert_eq!(of_process(LIMITS), [address_space]);
    assert_eq!(of_process(""), []);
}

/// The state of a process, in MB.
fn status(size: u64, data: u64, resident: u64) -> String {
    let [size, data, resident] = [size, data, resident].map(|megabytes| megabytes << 10);
    format!("Name:\ttrimtrail\nVmPeak:\t9999999 kB\nVmSize:\t{size} kB\nVmRSS:\t{resident} kB\nVmData:\t{data} kB\n")
}

#[test]
fn a_process_is_at_its_limit_where_it_uses_most_of_what_it_reserved() {
    let check = |size, data, resident, expected| {
        let used = used_of_process(&status(size, data, resident), "VmSize", 300 << 20);
        assert_eq!(used.map(|bytes| bytes >> 20), expected, "{size} {data} {resident}");
    };
    check(290, 130, 60, None);
    check(200, 130, 129, None);
    check(293, 130, 104, Some(104));
}

#[test]
fn a_group_is_at_its_limit_a_little_before_this_process_fills_it() {
    let check = |all: u64, own, expected| {
        let stat = format!("anon {}\nfile 900000000\n", all << 20);
        let used = used_of_group(&status(2000, 2000, own), &stat, 1 << 30);
        assert_eq!(used.map(|bytes| bytes >> 20), expected, "{all} {own}");
    };
    check(1000, 900, None);
    check(1010, 900, Some(900));
    check(1020, 100, None);
}

#[test]
fn the_smallest_limit_of_all_groups_around_counts() {
    let root = env::temp_dir().join(format!("trimtrail-groups-{}", process::id()));
    fs::create_dir_all(root.join("pod/container")).expect("folders");
    fs::write(root.join("pod/memory.max"), "1000\n").expect("a limit");
    fs::write(root.join("pod/container/memory.max"), "max\n").expect("a limit");
    let limit = of_group(&root, "4:memory:/old\n0::/pod/container\n");
    let expected = Limit::Group {
        folder: root.join("pod"),
        most: 1000,
    };
    fs::remove_dir_all(&root).expect("folders");
    assert_eq!(limit, Some(expected));
    assert_eq!(of_group(Path::new("/nowhere"), "0::/\n"), None);
}
