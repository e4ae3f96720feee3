//! `bench-s3`: how long it takes to pull and count many small objects, as a multiple of the best loop of raw requests.
//!
//! A server of our own, on loopback and in this process, lets each object wait before its first byte. Every round runs
//! the raw loop at several numbers of requests at once, and our listing, fetching and counting of the same objects;
//! medians over the rounds are printed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use trimtrail::inside::aws::{self, Connection};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::source::{self, Wanted, s3};
use trimtrail::inside::usage;

#[path = "../network/bucket.rs"]
#[expect(dead_code, reason = "the tests ask for more of it")]
mod bucket;
#[path = "../http.rs"]
#[expect(dead_code, reason = "the tests ask for more of it")]
mod http;

use bucket::Bucket;

/// Requests at once that the raw loop is tried with.
const WIDTHS: [usize; 3] = [32, 64, 128];

/// Times pulling objects from S3 against raw requests for the same objects.
#[derive(Parser)]
#[command(name = "bench-s3")]
struct Arguments {
    /// Objects
    #[arg(long, default_value_t = 2000)]
    objects: usize,
    /// Milliseconds to the first byte of each
    #[arg(long, default_value_t = 36)]
    latency: u64,
    /// Requests of ours at once
    #[arg(long, default_value_t = s3::Options::default().in_flight)]
    in_flight: usize,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only fetch and throw away; do not decode and count
    #[arg(long)]
    fetch_only: bool,
    /// Fail where the ratio to the best raw loop is greater
    #[arg(long)]
    most: Option<f64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut bucket = Bucket {
        page: 1000,
        latency: Duration::from_millis(arguments.latency),
        ..Bucket::default()
    };
    let logs = Bucket::of(std::path::Path::new("sample-logs/AWSLogs"));
    let logs: Vec<Vec<u8>> = logs.objects.into_values().collect();
    if logs.is_empty() {
        eprintln!("bench-s3: no sample-logs/ here");
        return ExitCode::FAILURE;
    }
    let mut keys = Vec::new();
    for index in 0..arguments.objects {
        // A fortnight of one account, so that days are parts and folders are listed as in a trail.
        let day = index * 14 / arguments.objects + 1;
        let key = format!("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/{day:02}/{index:06}.json.gz");
        bucket.objects.insert(key.clone(), logs[index % logs.len()].clone());
        keys.push(key);
    }
    let (_, address) = bucket.serve();
    let mut raw_seconds = vec![Vec::new(); WIDTHS.len()];
    let (mut our_seconds, mut list_seconds) = (Vec::new(), Vec::new());
    // The first round warms up and does not count.
    for round in 0..=arguments.rounds {
        for (width, seconds) in WIDTHS.into_iter().zip(&mut raw_seconds) {
            let took = raw_loop(address, &keys, width);
            if round > 0 {
                seconds.push(took);
            }
        }
        let (listing, took) = ours(address, &arguments);
        if round > 0 {
            list_seconds.push(listing);
            our_seconds.push(took);
        }
    }
    let per_second = |seconds: f64| arguments.objects as f64 / seconds;
    println!(
        "{} objects, {} ms to the first byte, {} rounds",
        arguments.objects, arguments.latency, arguments.rounds
    );
    let mut best = f64::INFINITY;
    for (width, seconds) in WIDTHS.into_iter().zip(raw_seconds) {
        let seconds = median(seconds);
        best = best.min(seconds);
        println!(
            "raw, {width:>3} at once  {seconds:7.3} s  {:6.0} objects/s",
            per_second(seconds)
        );
    }
    let (listing, seconds) = (median(list_seconds), median(our_seconds));
    println!(
        "ours, {:>3} at once {seconds:7.3} s  {:6.0} objects/s, {listing:.3} s of it listing",
        arguments.in_flight,
        per_second(seconds)
    );
    let ratio = seconds / best;
    println!("ratio to the best raw loop: {ratio:.2}");
    match arguments.most {
        Some(most) if ratio > most => {
            eprintln!("bench-s3: more than {most}");
            ExitCode::FAILURE
        }
        Some(_) | None => ExitCode::SUCCESS,
    }
}

/// Seconds to list and in all.
fn ours(address: SocketAddr, arguments: &Arguments) -> (f64, f64) {
    let begun = Instant::now();
    let connection = Connection::open(&aws::Options {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(format!("http://{address}")),
        ..aws::Options::default()
    })
    .expect("a connection; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY may be anything");
    let options = s3::Options {
        in_flight: arguments.in_flight,
        ..s3::Options::default()
    };
    let places = ["s3://trails/".to_owned()];
    let silent = Progress::silent();
    let sources = s3::find(&connection, &places, &Wanted::default(), &options, &silent).expect("a bucket");
    let listing = begun.elapsed().as_secs_f64();
    assert_eq!(sources.len(), arguments.objects);
    if arguments.fetch_only {
        source::expect(&sources);
        for source in &sources {
            let mut bytes = Vec::new();
            let mut stream = source.open().expect("an object");
            stream.read_to_end(&mut bytes).expect("an object");
        }
    } else {
        let (_, coverage) = usage::collect(&sources, &usage::Options::default(), &silent).expect("threads");
        assert_eq!(coverage.files, arguments.objects as u64);
    }
    (listing, begun.elapsed().as_secs_f64())
}

/// Seconds to get all objects through `width` connections that ask for one after another.
fn raw_loop(address: SocketAddr, keys: &[String], width: usize) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for first in 0..width {
            scope.spawn(move || raw(address, keys.iter().skip(first).step_by(width)));
        }
    });
    begun.elapsed().as_secs_f64()
}

fn raw<'k>(address: SocketAddr, keys: impl Iterator<Item = &'k String>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let mut answers = BufReader::new(stream.try_clone().expect("a clone"));
    for key in keys {
        let request = format!("GET /trails/{key} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut length = 0;
        loop {
            let mut line = String::new();
            answers.read_line(&mut line).expect("a line");
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        answers.read_exact(&mut body).expect("a body");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
