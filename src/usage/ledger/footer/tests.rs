//! Footers that fit, and those that announce more than there is.

use super::super::parquet::{Cell, Kind, Table};
use super::fits;

/// A file with this footer, and nothing before it.
#[track_caller]
fn check(footer: &[u8], expected: bool) {
    let length = u32::try_from(footer.len()).expect("small").to_le_bytes();
    let file = [b"PAR1", footer, &length, b"PAR1"].concat();
    assert_eq!(fits(&file), expected, "{footer:02x?}");
}

#[test]
fn lists_that_are_longer_than_the_file() {
    // A field that is a list of three bytes, and one of 2^31.
    check(&[0x19, 0x33, 7, 7, 7, 0], true);
    check(&[0x19, 0x33, 7, 7], false);
    check(&[0x19, 0xf3, 0x80, 0x80, 0x80, 0x80, 0x08, 0], false);
    // A map, and text.
    check(&[0x1b, 0x01, 0x33, 1, 2, 0], true);
    check(&[0x1b, 0xff, 0xff, 0x7f, 0x33, 1, 2, 0], false);
    check(&[0x18, 0x02, b'a', b'b', 0], true);
    check(&[0x18, 0x7f, b'a', b'b', 0], false);
}

#[test]
fn structs_in_structs() {
    let nested = |depth: usize| [vec![0x1c; depth], vec![0; depth + 1]].concat();
    check(&nested(20), true);
    check(&nested(100_000), false);
}

#[test]
fn no_footer_is_somebody_elses_error() {
    for file in [&b""[..], b"PAR1", b"\xff\xff\xff\xffPAR1", b"no Parquet at all"] {
        assert!(fits(file), "{file:?}");
    }
}

#[test]
fn what_we_write_fits() {
    const COLUMNS: [(&str, Kind); 2] = [("text", Kind::Text), ("number", Kind::Number)];
    let mut file = Vec::new();
    let mut table = Table::new(&mut file, &COLUMNS).expect("a table");
    for number in 0..1000 {
        let cells = [Cell::Text(&number.to_string()), Cell::Number(number)];
        table.push(cells).expect("cells of their kinds");
    }
    table.finish().expect("a file");
    assert!(fits(&file));
}
