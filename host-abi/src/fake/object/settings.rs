//! Changing what will be loaded.

use crate::error::{Error, ErrorKind, Result};
use crate::fake::map::shape;
use crate::fake::object::OpenObject;
use crate::kernel::{MapSetting, ProgramSetting, map_type};
use crate::target::Section;

impl OpenObject {
    pub(super) fn change_program(
        &mut self,
        program: &str,
        setting: ProgramSetting<'_>,
    ) -> Result<()> {
        self.program(program)?;
        if !matches!(setting, ProgramSetting::Autoattach(_)) {
            self.opened(&format!("change program \"{program}\""))?;
        }
        let mut programs = self.programs.iter_mut();
        let Some(info) = programs.find(|info| info.name == program) else {
            return Ok(());
        };
        match setting {
            ProgramSetting::Autoload(load) => info.autoload = load,
            ProgramSetting::Autoattach(attach) => info.autoattach = attach,
            ProgramSetting::AttachTarget(function) => {
                let section = Section::find(&info.section);
                if !section.is_some_and(|section| section.is_verified_against_target()) {
                    return Err(Error::new(
                        ErrorKind::InvalidArgument,
                        format!(
                            "set the attach target of program \"{program}\": programs of section \
                             \"{}\" have none",
                            info.section
                        ),
                    ));
                }
                function.clone_into(&mut info.attach_target);
            }
        }
        Ok(())
    }

    pub(super) fn change_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()> {
        let mut maps = self.maps.iter();
        let Some(index) = maps.position(|it| it.declared.info.name == map) else {
            return Err(self.not_found(&format!("map \"{map}\"")));
        };
        self.opened(&format!("change map \"{map}\""))?;
        self.set_map_info(index, setting)
    }

    fn set_map_info(&mut self, index: usize, setting: MapSetting<'_>) -> Result<()> {
        let map = &mut self.maps[index];
        let info = &mut map.declared.info;
        match setting {
            MapSetting::MaxEntries(max_entries) => info.max_entries = max_entries,
            MapSetting::ValueSize(bytes) => {
                let mut sections = self.sections.iter_mut();
                if let Some(section) = sections.find(|section| section.name == info.name) {
                    if (bytes as usize) < section.bytes.len() {
                        return Err(Error::new(
                            ErrorKind::InvalidArgument,
                            format!(
                                "set the value size of map \"{}\" to {bytes}: its variables have \
                                 {} bytes",
                                info.name,
                                section.bytes.len()
                            ),
                        ));
                    }
                    section.bytes.resize(bytes as usize, 0);
                }
                info.value_size = bytes;
                // What is known of the type is of the old size.
                info.value_type_id = 0;
            }
            MapSetting::MapType(number) => {
                if !shape::may_become(info.map_type, number) {
                    return Err(Error::new(
                        ErrorKind::NotSupported,
                        format!(
                            "set the type of map \"{}\" from {} to {}",
                            info.name,
                            info.type_name,
                            shape::type_name(number)
                        ),
                    ));
                }
                if info.map_type != number && number == map_type::PERF_EVENT_ARRAY {
                    // Bytes until now; a slot for each CPU from here on.
                    info.max_entries = 0;
                }
                info.map_type = number;
            }
            MapSetting::Autocreate(create) => map.autocreate = create,
            MapSetting::PinName(name) => info.pin_name = Some(name.to_owned()),
        }
        shape::adjust(info, self.kernel.machine().possible_cpus);
        Ok(())
    }
}
