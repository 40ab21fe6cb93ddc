//! A test's events as a script of the fake kernel: values become bytes by the types of the BPF
//! objects.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use eunomia_btf::encode::Literal;
use eunomia_btf::{Btf, TypeId};
use eunomia_runtime::Tool;
use eunomia_runtime::fake::{FakeKernel, Script};
use eunomia_runtime::kernel::{GlobalInfo, Kernel as _, MapInfo};
use eunomia_runtime::stop::StopSignal;

use super::case::{Case, Event};

/// The type of a buffer's records when nothing says another.
const DEFAULT_TYPE: &str = "event";

/// When the first event happens if it does not say: guests have opened what they read by then.
const FIRST_EVENT: Duration = Duration::from_millis(1);

/// When the guest is asked to stop, counted from the last event.
const STOP_AFTER: Duration = Duration::from_secs(1);

/// Events of one test, those that `repeat` asks for included.
const EVENTS_MAX: usize = 10_000_000;

/// What the BPF objects of a tool declare.
pub(super) struct Declarations(Vec<Declared>);

struct Declared {
    object: String,
    btf: Btf,
    maps: Vec<MapInfo>,
    globals: Vec<GlobalInfo>,
}

impl Declarations {
    /// Reads them as the fake kernel does.
    pub(super) fn of(kernel: &FakeKernel, tool: &Tool) -> Result<Self> {
        let objects = tool.objects.iter().map(|(name, elf)| {
            let object = kernel.open_object(name, elf)?;
            Ok(Declared {
                object: name.clone(),
                btf: Btf::parse(&object.btf()?)?,
                maps: object.maps(),
                globals: object.globals(),
            })
        });
        objects.collect::<Result<_>>().map(Self)
    }

    /// The map that `text` names: `MAP` or `OBJECT/MAP`.
    fn map(&self, text: &str) -> Result<(&Declared, &MapInfo)> {
        self.find(text, |declared, name| {
            declared.maps.iter().find(|map| map.name == name)
        })
        .ok_or_else(|| {
            let maps = self.0.iter().flat_map(|declared| &declared.maps);
            let names: Vec<&str> = maps.map(|map| &*map.name).collect();
            anyhow!("there is no map {text:?}; there are: {}", names.join(", "))
        })
    }

    fn global(&self, text: &str) -> Result<(&Declared, &GlobalInfo)> {
        self.find(text, |declared, name| {
            declared.globals.iter().find(|global| global.name == name)
        })
        .with_context(|| format!("there is no global variable {text:?}"))
    }

    fn find<'a, T>(
        &'a self,
        text: &str,
        find: impl Fn(&'a Declared, &str) -> Option<&'a T>,
    ) -> Option<(&'a Declared, &'a T)> {
        let (object, name) = match text.split_once('/') {
            Some((object, name)) => (Some(object), name),
            None => (None, text),
        };
        let mut objects = self.0.iter();
        objects.find_map(|declared| {
            let is_meant = object.is_none_or(|object| declared.object == object);
            Some((declared, find(declared, name).filter(|_| is_meant)?))
        })
    }
}

/// The script of a test, which ends by asking the guest to stop.
pub(super) fn script(
    case: &Case,
    declarations: &Declarations,
    stop: &StopSignal,
) -> Result<Script> {
    for buffer in case.manifest.types.keys() {
        declarations.map(buffer).context("[types]")?;
    }
    let writer = Writer { case, declarations };
    let recorded = case.recorded()?;
    let mut script = Script::new();
    let (mut time, mut end, mut count) = (FIRST_EVENT, FIRST_EVENT, 0_usize);
    for (index, event) in recorded.iter().chain(&case.manifest.events).enumerate() {
        let place = || match index.checked_sub(recorded.len()) {
            Some(index) => format!("event {}", index + 1),
            None => format!("recorded event {}", index + 1),
        };
        time = when(event, time).with_context(place)?;
        end = end.max(time);
        script = script.at(time);
        let times = event.repeat.unwrap_or(1);
        count = count.saturating_add(times as usize);
        ensure!(count <= EVENTS_MAX, "more than {EVENTS_MAX} events");
        for _ in 0..times {
            script = writer.write(script, event, stop).with_context(place)?;
        }
    }
    let stop_after = case.manifest.stop_after.unwrap_or(STOP_AFTER);
    Ok(script.at(end.saturating_add(stop_after)).stop(stop))
}

fn when(event: &Event, before: Duration) -> Result<Duration> {
    match (event.at, event.after) {
        (Some(_), Some(_)) => bail!("`at` and `after` exclude each other"),
        // Before a guest has opened anything, nothing can happen to it.
        (Some(at), None) => Ok(at.max(FIRST_EVENT)),
        (None, Some(after)) => Ok(before.saturating_add(after)),
        (None, None) => Ok(before),
    }
}

struct Writer<'a> {
    case: &'a Case,
    declarations: &'a Declarations,
}

impl Writer<'_> {
    fn write(&self, script: Script, event: &Event, stop: &StopSignal) -> Result<Script> {
        let places = (
            &event.ring,
            &event.perf,
            &event.map,
            &event.global,
            event.stop,
        );
        match places {
            (Some(ring), None, None, None, false) => {
                let record = self.record(event, ring)?;
                Ok(match event.discarded {
                    true => script.push_discarded(ring, &record),
                    false => script.push(ring, &record),
                })
            }
            (None, Some(map), None, None, false) => {
                let cpu = event.cpu.unwrap_or(0);
                match event.lost {
                    Some(count) => Ok(script.lose(map, cpu, count)),
                    None => Ok(script.output(map, cpu, &self.record(event, map)?)),
                }
            }
            (None, None, Some(map), None, false) => self.write_map(script, event, map),
            (None, None, None, Some(name), false) => {
                let (declared, global) = self.declarations.global(name)?;
                let value = bytes(
                    ("value", &event.value, &event.value_hex),
                    Some((&declared.btf, TypeId(global.type_id))),
                )?;
                Ok(script.set_global(name, &value))
            }
            (None, None, None, None, true) => Ok(script.stop(stop)),
            _ => bail!("say one of `ring`, `perf`, `map`, `global` and `stop`"),
        }
    }

    /// The bytes of a record of a buffer.
    fn record(&self, event: &Event, buffer: &str) -> Result<Vec<u8>> {
        let (declared, _) = self.declarations.map(buffer)?;
        if event.hex.is_some() {
            return bytes(("data", &event.data, &event.hex), None);
        }
        let named = event.type_name.as_ref();
        let name = named
            .or_else(|| self.case.manifest.types.get(buffer))
            .map_or(DEFAULT_TYPE, String::as_str);
        let ty = declared.btf.find_data(name).with_context(|| {
            format!("which type the records of {buffer:?} have: say it under [types]")
        })?;
        bytes(
            ("data", &event.data, &event.hex),
            Some((&declared.btf, ty.id())),
        )
    }

    fn write_map(&self, script: Script, event: &Event, name: &str) -> Result<Script> {
        let (declared, map) = self.declarations.map(name)?;
        let typed = |id: u32| (id != 0).then_some((&declared.btf, TypeId(id)));
        let key = match (map.key_size, &event.key, &event.key_hex) {
            // A queue.
            (0, None, None) => Vec::new(),
            (_, key, hex) => bytes(("key", key, hex), typed(map.key_type_id))?,
        };
        let has_value = event.value.is_some() || event.value_hex.is_some();
        match (has_value, event.add, event.remove) {
            (true, None, false) => {
                let value = ("value", &event.value, &event.value_hex);
                let mut value = bytes(value, typed(map.value_type_id))?;
                if map.user_value_size > map.value_size && value.len() == map.value_size as usize {
                    // Per CPU: the same on each, padded to 8 bytes.
                    value.resize(value.len().next_multiple_of(8), 0);
                    value = value.repeat(map.user_value_size as usize / value.len());
                }
                Ok(script.set(name, &key, &value))
            }
            (false, Some(amount), false) => {
                Ok(script.add(name, &key, event.cpu.unwrap_or(0), amount))
            }
            (false, None, true) => Ok(script.remove(name, &key)),
            _ => bail!("say one of `value`, `add` and `remove`"),
        }
    }
}

/// The bytes of a value that is written down by its type or as they are.
fn bytes(
    (what, literal, hex): (&str, &Option<Literal>, &Option<String>),
    ty: Option<(&Btf, TypeId)>,
) -> Result<Vec<u8>> {
    match (literal, hex, ty) {
        (Some(literal), None, Some((btf, id))) => {
            btf.encode(id, literal).with_context(|| format!("`{what}`"))
        }
        (Some(_), None, None) => {
            bail!("`{what}`: the BPF object does not say its type; write its bytes in hex")
        }
        (None, Some(hex), _) => parse_hex(hex).with_context(|| format!("`{what}` in hex")),
        (None, None, _) => bail!("`{what}` is missing"),
        (Some(_), Some(_), _) => bail!("`{what}` is there twice, once in hex"),
    }
}

/// Digits, between which there may be spaces.
fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .context("there is something else than hexadecimal digits")?;
    ensure!(digits.len().is_multiple_of(2), "half a byte is missing");
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_may_be_spaced() {
        assert_eq!(parse_hex("01 aF\n00").unwrap(), [1, 0xaf, 0]);
        assert!(parse_hex("").unwrap().is_empty());
        assert!(parse_hex("0").is_err());
        assert!(parse_hex("0x").is_err());
    }

    #[test]
    fn events_follow_each_other_or_have_their_time() {
        let ms = Duration::from_millis;
        let event = |at, after| Event {
            at,
            after,
            ..Event::default()
        };
        assert_eq!(when(&event(None, None), ms(5)).unwrap(), ms(5));
        assert_eq!(when(&event(None, Some(ms(2))), ms(5)).unwrap(), ms(7));
        assert_eq!(when(&event(Some(ms(9)), None), ms(5)).unwrap(), ms(9));
        assert_eq!(when(&event(Some(ms(0)), None), ms(5)).unwrap(), FIRST_EVENT);
        assert!(when(&event(Some(ms(1)), Some(ms(1))), ms(5)).is_err());
    }
}
