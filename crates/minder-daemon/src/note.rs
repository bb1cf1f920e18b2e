//! What the launcher leaves for the daemon, by way of the keeper.

use std::path::PathBuf;

use minder_core::Level;

use crate::codec::{CodecError, Decoder, Encoder, open, seal};

/// The layout of a sealed note.
const VERSION: u32 = 1;

/// What the launcher knows and the daemon needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The command line, with the name it was called by.
    pub(crate) args: Vec<String>,
    /// Where it was started; relative paths are relative to this.
    pub(crate) start_directory: PathBuf,
    /// Lines for the log, by importance.
    pub(crate) criticals: Vec<String>,
    pub(crate) infos: Vec<String>,
    /// Lines for the log of the first start alone.
    pub(crate) first_infos: Vec<String>,
    /// What there is to know if it went into the background.
    pub(crate) background: Option<Background>,
    /// Where this program is installed; empty if that is not known.
    pub(crate) installed: PathBuf,
}

/// A start in the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Background {
    /// What the log is told about changing the directory, if that was asked for.
    pub(crate) directory: Option<(Level, String)>,
}

impl Note {
    /// As bytes for the daemon.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        let texts = |out: &mut Encoder, texts: &[String]| {
            out.list(texts.iter(), |out, text| out.text(text));
        };
        out.record(|out| {
            texts(out, &self.args);
            out.path(&self.start_directory);
            texts(out, &self.criticals);
            // Warnings, which earlier releases had here.
            texts(out, &[]);
            texts(out, &self.infos);
            texts(out, &self.first_infos);
            out.option(self.background.as_ref(), |out, background| {
                out.option(background.directory.as_ref(), |out, (level, text)| {
                    out.bool(*level == Level::Critical);
                    out.text(text);
                });
            });
            out.path(&self.installed);
        });
        seal(VERSION, &out.finish())
    }

    /// From the launcher's bytes.
    pub(crate) fn unseal(sealed: &[u8]) -> Result<Self, CodecError> {
        let texts = |input: &mut Decoder<'_>| input.list(Decoder::text);
        Decoder::new(open(VERSION, sealed)?).record(|input| {
            let args = texts(input)?;
            let start_directory = input.path()?;
            let criticals = texts(input)?;
            texts(input)?;
            Ok(Self {
                args,
                start_directory,
                criticals,
                infos: texts(input)?,
                first_infos: texts(input)?,
                background: input.option(|input| {
                    let directory = input.option(|input| {
                        let failed = input.bool()?;
                        let level = if failed { Level::Critical } else { Level::Info };
                        Ok((level, input.text()?))
                    })?;
                    Ok(Background { directory })
                })?,
                // An earlier release wrote none.
                installed: if input.is_at_end() {
                    PathBuf::new()
                } else {
                    input.path()?
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_as_it_was_written() {
        let text = str::to_owned;
        let note = Note {
            args: vec![text("supervisord"), text("-c"), text("x.conf")],
            start_directory: "/srv".into(),
            criticals: vec![text("a")],
            infos: vec![text("b"), text("c")],
            first_infos: vec![text("e")],
            background: Some(Background {
                directory: Some((Level::Critical, text("d"))),
            }),
            installed: "/usr/bin/supervisord".into(),
        };
        assert_eq!(Note::unseal(&note.seal()), Ok(note));
    }
}
