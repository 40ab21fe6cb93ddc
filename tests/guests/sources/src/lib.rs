//! A plugin with the most sources.

use std::collections::BTreeMap;
use std::time::Duration;

use eunomia_bpf::plugin::{Driver, SourceId};
use eunomia_bpf::{
    Batch, Object, PerfEventArrayName, Plugin, Result, RingBufferName, RunInput, lifecycle,
};

eunomia_bpf::plugin!(Sources);

/// Objects that have the most sources, 256.
const OBJECTS: usize = 16;

const ONE_MORE: &str = "ring15";

const RINGS: [&str; 15] = [
    "ring0", "ring1", "ring2", "ring3", "ring4", "ring5", "ring6", "ring7", "ring8", "ring9",
    "ring10", "ring11", "ring12", "ring13", "ring14",
];

struct Sources {
    places: BTreeMap<String, (usize, &'static str)>,
    sums: BTreeMap<(usize, &'static str), u64>,
}

impl Plugin for Sources {
    fn start(driver: &mut Driver) -> Result<Self> {
        let mut objects = Vec::new();
        let mut places = BTreeMap::new();
        for number in 0..OBJECTS {
            let object = Object::open_default()?.load()?;
            let perf = PerfEventArrayName::new("perf");
            let source = driver.add_perf_buffer(object.perf_buffer_with_pages(perf, 1)?)?;
            places.insert(key(source), (number, "perf"));
            for ring in RINGS {
                let source =
                    driver.add_ring_buffer(object.ring_buffer(RingBufferName::new(ring))?)?;
                places.insert(key(source), (number, ring));
            }
            objects.push(object);
        }
        println!("sources: {}", places.len());
        if let Some(object) = objects.last() {
            let more = driver.add_ring_buffer(object.ring_buffer(RingBufferName::new(ONE_MORE))?);
            println!(
                "one more: {:?}",
                more.map(drop).map_err(|error| error.code())
            );
        }
        if let Some(object) = objects.last() {
            let input = RunInput {
                cpu: Some(0),
                ..RunInput::default()
            };
            object.program("produce")?.test_run(&input)?;
        }
        // Sources keep what they come from.
        objects.clear();
        driver.set_tick(Duration::from_millis(2))?;
        Ok(Self {
            places,
            sums: BTreeMap::new(),
        })
    }

    fn on_events(&mut self, source: SourceId, batch: Batch<'_>, _lost: u64) -> Result<()> {
        if let Some(place) = self.places.get(&key(source)) {
            let numbers = batch.records::<u32>().map(u64::from);
            *self.sums.entry(*place).or_default() += numbers.sum::<u64>();
        }
        Ok(())
    }

    fn on_tick(&mut self) -> Result<()> {
        lifecycle::request_stop();
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        for ((object, map), sum) in &self.sums {
            println!("object {object}, {map}: {sum}");
        }
        Ok(())
    }
}

/// Sources can be compared, not ordered.
fn key(source: SourceId) -> String {
    format!("{source:?}")
}
