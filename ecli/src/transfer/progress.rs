//! Progress on stderr: a bar a blob on a terminal, a line a blob elsewhere.
//!
//! Own code rather than a library: a terminal is redrawn from one small state, without threads,
//! colours or hidden cursors, so that there is nothing to restore when the process is killed.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eunomia_image::registry::{Progress, ProgressSink};
use eunomia_image::{Descriptor, Digest};

use crate::size;
use crate::terminal::visible;

/// Often enough to look alive, rarely enough to cost nothing.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// Blobs that are shown at once; four are transferred at a time.
const ROWS_MAX: usize = 8;

/// Characters of a blob's title, and of its bar.
const TITLE_WIDTH: usize = 20;
const BAR_WIDTH: usize = 24;

/// Columns of a terminal that does not say how many it has.
const COLUMNS_DEFAULT: usize = 80;

/// The progress of the transfers of one command.
pub(crate) struct Bars {
    view: Arc<Mutex<View>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Bars,
}

struct View {
    style: Style,
    started: Instant,
    drawn: Option<Instant>,
    /// Lines on the terminal that the next drawing replaces.
    lines: usize,
    rows: Vec<Row>,
    finished: usize,
    blobs: usize,
    /// Of all blobs, those that were there included.
    bytes: u64,
    done: u64,
    /// Bytes that crossed the network.
    moved: u64,
    notice: Option<String>,
}

/// A blob that is being transferred.
struct Row {
    digest: Digest,
    title: String,
    size: u64,
    done: u64,
}

impl Bars {
    /// For stderr as it is; a silent one shows nothing.
    pub(crate) fn new(is_silent: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let style = match (is_silent, std::io::stderr().is_terminal() && !is_dumb) {
            (true, _) => Style::Silent,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        let view = View::new(style);
        Self {
            view: Arc::new(Mutex::new(view)),
        }
    }

    /// What the client of registries tells.
    pub(crate) fn sink(&self) -> ProgressSink {
        let view = Arc::clone(&self.view);
        Arc::new(move |progress| show(&mut lock(&view), progress))
    }

    /// Takes the bars from the terminal.
    pub(crate) fn finish(&self) {
        let mut view = lock(&self.view);
        let text = view.erasure();
        view.lines = 0;
        write(&text);
    }
}

fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    // Numbers for people: whole enough at any time.
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(view: &mut View, progress: &Progress<'_>) {
    if view.style == Style::Silent {
        return;
    }
    let line = view.take(progress);
    if view.style == Style::Lines {
        if let Some(line) = line {
            write(&format!("{line}\n"));
        }
        return;
    }
    let is_due = view
        .drawn
        .is_none_or(|drawn| drawn.elapsed() >= REDRAW_INTERVAL);
    if is_due {
        let text = view.drawing(columns());
        view.drawn = Some(Instant::now());
        write(&text);
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 {
        COLUMNS_DEFAULT
    } else {
        columns
    }
}

fn write(text: &str) {
    // Nobody is left to tell when this fails.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

impl View {
    fn new(style: Style) -> Self {
        Self {
            style,
            started: Instant::now(),
            drawn: None,
            lines: 0,
            rows: Vec::new(),
            finished: 0,
            blobs: 0,
            bytes: 0,
            done: 0,
            moved: 0,
            notice: None,
        }
    }

    /// Takes a step into account; what there is to say of it in a line.
    fn take(&mut self, progress: &Progress<'_>) -> Option<String> {
        match progress {
            Progress::Planned { blobs, bytes } => {
                self.blobs += blobs;
                self.bytes += bytes;
            }
            Progress::Present(blob) => {
                self.finished += 1;
                self.done += blob.size;
            }
            Progress::Started { blob, offset } => {
                let row = self.row(blob);
                let before = std::mem::replace(&mut row.done, *offset);
                self.done = (self.done + offset).saturating_sub(before);
            }
            Progress::Advanced { blob, bytes } => {
                self.row(blob).done += bytes;
                self.done += bytes;
                self.moved += bytes;
                self.notice = None;
            }
            Progress::Finished(blob) => {
                self.rows.retain(|row| row.digest != blob.digest);
                self.finished += 1;
                return Some(format!("  {}  {}", title(blob), size::shown(blob.size)));
            }
            Progress::MirrorFailed { mirror, reason } => {
                let mirror = visible(mirror);
                return self.say(format!("  not from mirror {mirror}: {}", visible(reason)));
            }
            Progress::Retrying { reason, pause } => {
                let seconds = pause.as_secs_f32();
                return self.say(format!("  again in {seconds:.1} s: {}", visible(reason)));
            }
            _ => {}
        }
        None
    }

    fn say(&mut self, line: String) -> Option<String> {
        self.notice = Some(line.clone());
        Some(line)
    }

    fn row(&mut self, blob: &Descriptor) -> &mut Row {
        let known = self.rows.iter().position(|row| row.digest == blob.digest);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row {
                digest: blob.digest,
                title: title(blob),
                size: blob.size,
                done: 0,
            });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Goes back to the first line that was drawn, and clears all below.
    fn erasure(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\r\u{1b}[J"),
        }
    }

    fn drawing(&mut self, columns: usize) -> String {
        let mut lines: Vec<String> = self.rows.iter().take(ROWS_MAX).map(Row::line).collect();
        lines.push(self.total());
        lines.extend(self.notice.clone());
        let mut text = self.erasure();
        self.lines = lines.len();
        for line in lines {
            // A line that wraps would be counted wrong.
            text.extend(line.chars().take(columns.saturating_sub(1)));
            text.push('\n');
        }
        text
    }

    fn total(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let speed = if seconds > 0.0 {
            self.moved as f64 / seconds
        } else {
            0.0
        };
        format!(
            "  {} of {} blobs, {} of {}, {}/s",
            self.finished,
            self.blobs,
            size::shown(self.done),
            size::shown(self.bytes),
            size::shown(speed as u64)
        )
    }
}

impl Row {
    fn line(&self) -> String {
        let filled = if self.size == 0 {
            BAR_WIDTH
        } else {
            let share = self.done as f64 / self.size as f64;
            ((BAR_WIDTH as f64 * share) as usize).min(BAR_WIDTH)
        };
        let mut line = format!("  {:<TITLE_WIDTH$.TITLE_WIDTH$} [", self.title);
        line.extend(std::iter::repeat_n('=', filled));
        line.extend(std::iter::repeat_n(' ', BAR_WIDTH - filled));
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "] {} of {}",
            size::shown(self.done),
            size::shown(self.size)
        );
        line
    }
}

/// The blob's name in the image, or else the beginning of its digest.
fn title(blob: &Descriptor) -> String {
    const DIGITS: usize = 12;
    match blob.title() {
        Some(title) => visible(title),
        None => blob.digest.hex().chars().take(DIGITS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(title: &str, size: u64) -> Descriptor {
        let mut blob = Descriptor::of("a/b", title.as_bytes());
        let key = eunomia_image::annotation::TITLE.to_owned();
        blob.annotations.insert(key, title.to_owned());
        Descriptor { size, ..blob }
    }

    #[test]
    fn a_terminal_shows_each_blob_and_the_sum() {
        let mut view = View::new(Style::Bars);
        let (a, b) = (blob("component.wasm", 1 << 20), blob("o\u{1b}[2J", 100));
        view.take(&Progress::Planned {
            blobs: 2,
            bytes: (1 << 20) + 100,
        });
        for blob in [&a, &b] {
            view.take(&Progress::Started { blob, offset: 0 });
        }
        view.take(&Progress::Advanced {
            blob: &a,
            bytes: 1 << 19,
        });
        let drawn = view.drawing(80);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(
            lines[0],
            "  component.wasm       [============            ] 512 KiB of 1.0 MiB"
        );
        assert!(lines[1].starts_with("  o\\u{1b}[2J "), "{}", lines[1]);
        let sum = "  0 of 2 blobs, 512 KiB of 1.0 MiB, ";
        assert!(lines[2].starts_with(sum), "{}", lines[2]);

        view.take(&Progress::Finished(&b));
        let again = view.drawing(20);
        // Over the three lines from before, and no wider than the terminal.
        assert!(again.starts_with("\u{1b}[3A\r\u{1b}[J  component.wasm"));
        assert!(again.lines().skip(1).all(|line| line.len() < 20));
        assert_eq!(view.erasure(), "\u{1b}[2A\r\u{1b}[J");
    }

    #[test]
    fn a_download_that_starts_again_is_not_counted_twice() {
        let mut view = View::new(Style::Lines);
        let a = blob("a", 100);
        view.take(&Progress::Started {
            blob: &a,
            offset: 0,
        });
        let advanced = Progress::Advanced {
            blob: &a,
            bytes: 60,
        };
        view.take(&advanced);
        view.take(&Progress::Started {
            blob: &a,
            offset: 0,
        });
        assert_eq!((view.done, view.moved), (0, 60));
        view.take(&advanced);
        assert_eq!(view.done, 60);
        let line = view.take(&Progress::Finished(&a));
        assert_eq!(line.as_deref(), Some("  a  100 B"));
    }
}
