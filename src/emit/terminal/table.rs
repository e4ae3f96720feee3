//! The terminal's table of principals: names, numbers, a bar, and what to do.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Row, Table, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Page, style, wrap};
use crate::emit::{escape, view};

/// The bar's signs: used, inferred, kept though unseen, denied only, no logged use.
const SIGNS: [char; 5] = ['█', '▓', '▒', '░', '·'];

/// Writes a line for each row.
pub(super) fn principals(rows: &[view::Row<'_>], page: &mut Page) {
    let bar = match page.width {
        0..110 => 0,
        110..130 => 12,
        _ => 24,
    };
    let roomy = page.width >= 100;
    let gap: u16 = if roomy { 2 } else { 1 };
    let all = match roomy {
        true => [
            "\ngranted",
            "\nused",
            "\ninferred",
            "kept\nunseen",
            "denied\nonly",
            "no logged\nuse",
        ],
        false => [
            "\n\ngranted",
            "\n\nused",
            "\ninfer-\nred",
            "\nkept\nunseen",
            "\ndenied\nonly",
            "no\nlogged\nuse",
        ],
    };
    let top = if roomy { "\n" } else { "\n\n" };
    // Too narrow for all six: the four that people ask for.
    let columns: &[usize] = if page.width < 78 {
        &[0, 1, 3, 5]
    } else {
        &[0, 1, 2, 3, 4, 5]
    };
    let header: Vec<&str> = columns.iter().map(|at| all[*at]).collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let totals = &row.principal.totals;
            let numbers = [
                totals.granted,
                totals.used,
                totals.inferred,
                row.unseen(),
                totals.denied_only,
                totals.unused,
            ];
            columns.iter().map(|at| view::number(numbers[*at])).collect()
        })
        .collect();
    let numbers: usize = header
        .iter()
        .enumerate()
        .map(|(at, head)| {
            let head = head.lines().map(str::width).max().unwrap_or(0);
            cells.iter().map(|row| row[at].width()).max().unwrap_or(0).max(head) + usize::from(gap)
        })
        .sum();
    // Every line: name, the numbers, perhaps the bar, what to do; two spaces after each.
    let left = page
        .width
        .saturating_sub(numbers + if bar > 0 { bar + usize::from(gap) } else { 0 } + usize::from(gap));
    let widest = rows
        .iter()
        .map(|row| row.to_do().width())
        .max()
        .unwrap_or(0)
        .max("to do".len());
    let to_do = (left / 3).clamp(8, if roomy { 38 } else { 16 });
    let longest = rows
        .iter()
        .map(|row| view::short(&row.principal.arn).width())
        .max()
        .unwrap_or(0)
        + 13;
    // The name has what "to do" leaves; where names are short, "to do" has what they leave.
    let to_do = to_do.max(left.saturating_sub(longest.max(24))).min(widest);
    let name = left.saturating_sub(to_do).max(9);
    let accounts = rows
        .iter()
        .any(|row| row.principal.account != rows[0].principal.account || row.accounts.len() > 1);

    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    let mut head = vec![format!("{top}principal")];
    head.extend(header.iter().map(|head| (*head).to_owned()));
    if bar > 0 {
        head.push(format!(
            "{top}{}",
            if bar < 24 { "share" } else { "share of what is granted" }
        ));
    }
    head.push(format!("{top}to do"));
    table.set_header(head);
    for (row, cells) in rows.iter().zip(cells) {
        let who = view::short(&row.principal.arn);
        let who = escape::terminal(&who);
        // Where several accounts are in the report, the account keeps its place; without room, its last digits.
        let account = match (accounts, roomy, row.principal.account.get(8..)) {
            (false, _, _) => String::new(),
            (true, _, _) if row.accounts.len() > 1 => format!(" {} accounts", view::number(row.accounts.len() as u64)),
            (true, false, Some(last)) => format!(" …{}", escape::cut(&escape::terminal(last), 6)),
            (true, _, _) => format!(" {}", escape::cut(&escape::terminal(&row.principal.account), 14)),
        };
        let who = escape::cut(&who, name.saturating_sub(account.width())).into_owned();
        let mut line = vec![escape::cut(&(who + &account), name).into_owned()];
        line.extend(cells);
        if bar > 0 {
            line.push(signs(row, bar));
        }
        line.push(brief(&escape::terminal(&row.to_do()), to_do));
        table.add_row(Row::from(line));
    }
    for column in table.column_iter_mut() {
        let number = (1..=columns.len()).contains(&column.index);
        column.set_padding((0, gap));
        if number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    page.line("");
    let heads = if roomy { 2 } else { 3 };
    for (at, line) in table.trim_fmt().lines().enumerate() {
        let line = match at {
            _ if at < heads => page.paint(Style::new().bold(), line),
            _ if page.colour => painted_signs(line),
            _ => line.to_owned(),
        };
        page.line(&line);
    }
    if bar > 0 {
        let [used, inferred, unseen, denied, unused] = SIGNS;
        let key = format!(
            "{used} used  {inferred} inferred  {unseen} kept though unseen  {denied} denied only  {unused} no logged use"
        );
        let key = if page.colour { painted_signs(&key) } else { key };
        if key.width() <= page.width || page.colour {
            page.line(&key);
        }
    }
}

/// The first words that fit.
fn brief(text: &str, columns: usize) -> String {
    if text.len() <= columns || text.width() <= columns {
        return text.to_owned();
    }
    match wrap(text, columns.saturating_sub(1)).first() {
        // A long word that would leave little more than the verb loses its end.
        Some(first) if first.width() * 2 < columns => {
            let mut cut = String::new();
            for c in text.chars() {
                if cut.width() + c.width().unwrap_or(0) >= columns {
                    break;
                }
                cut.push(c);
            }
            cut + "…"
        }
        Some(first) => format!("{}…", first.trim_end_matches(':')),
        None => String::new(),
    }
}

/// A bar in which every grade that occurs has at least one sign.
fn signs(row: &view::Row<'_>, columns: usize) -> String {
    let totals = &row.principal.totals;
    let parts = [
        totals.used,
        totals.inferred,
        row.unseen(),
        totals.denied_only,
        totals.unused,
    ];
    let mut bar = String::new();
    for (share, sign) in shares(&parts, columns).into_iter().zip(SIGNS) {
        bar.extend(std::iter::repeat_n(sign, share));
    }
    bar
}

/// Splits `columns` like `parts`: at least one for each that occurs, what is left to the largest.
fn shares(parts: &[u64; 5], columns: usize) -> [usize; 5] {
    let sum: u128 = parts.iter().map(|n| u128::from(*n)).sum();
    let mut shares = [0; 5];
    if sum == 0 {
        return shares;
    }
    for (share, n) in shares.iter_mut().zip(parts) {
        let exact = u128::from(*n) * columns as u128 / sum;
        *share = usize::try_from(exact).unwrap_or(columns).max(usize::from(*n > 0));
    }
    loop {
        let total: usize = shares.iter().sum();
        let largest = (0..5).max_by_key(|at| shares[*at]).unwrap_or(0);
        match total {
            _ if total < columns => shares[largest] += columns - total,
            _ if total > columns => shares[largest] -= 1,
            _ => return shares,
        }
    }
}

fn painted_signs(line: &str) -> String {
    let colours = [
        AnsiColor::Green,
        AnsiColor::Cyan,
        AnsiColor::Blue,
        AnsiColor::Yellow,
        AnsiColor::Red,
    ];
    let mut painted = String::new();
    let mut now: Option<usize> = None;
    for c in line.chars() {
        let sign = SIGNS.iter().position(|sign| *sign == c);
        if sign != now {
            if let Some(old) = now {
                painted.push_str(&style(colours[old]).render_reset().to_string());
            }
            if let Some(new) = sign {
                painted.push_str(&style(colours[new]).render().to_string());
            }
            now = sign;
        }
        painted.push(c);
    }
    if let Some(old) = now {
        painted.push_str(&style(colours[old]).render_reset().to_string());
    }
    painted
}
