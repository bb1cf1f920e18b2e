//! The calls of the plug-in `supervisor_twiddler`.

use std::sync::Arc;

use minder_core::view::GroupView;
use minder_core::{Request, View};
use minder_rpc::twiddler::no_group;
use minder_rpc::{Answer, Fault, FaultCode, TwiddlerCall};

use super::{Api, blocking};

/// The version of the plug-in's interface.
const API_VERSION: &str = "1.0";

impl Api {
    pub(super) async fn twiddle(&self, call: TwiddlerCall) -> Result<Answer, Fault> {
        match call {
            TwiddlerCall::GetApiVersion => Ok(Answer::Text(API_VERSION.to_owned())),
            TwiddlerCall::GetGroupNames => {
                Ok(Answer::Names(group_names(&self.published.latest().view)))
            }
            TwiddlerCall::Log { message, level } => {
                self.log.write(level, message);
                Ok(Answer::Done)
            }
            TwiddlerCall::AddProgramToGroup {
                group,
                program,
                options,
            } => self.add_program(group, program, options).await,
            TwiddlerCall::RemoveProcessFromGroup { group, process } => {
                self.known_group(&group)?;
                self.ask(Request::RemoveProcess { group, process }).await
            }
        }
    }

    /// Looking up users and directories may take a while, and the group may be gone by then: what
    /// comes of that is the core's business.
    async fn add_program(
        &self,
        group: String,
        program: String,
        options: Result<Vec<(String, String)>, Fault>,
    ) -> Result<Answer, Fault> {
        self.known_group(&group)?;
        let options = options?;
        let (configuration, variables) = (self.configuration.clone(), self.variables.clone());
        let name = group.clone();
        let read = move || configuration.program(&variables, &name, &program, &options);
        let processes = blocking(read).await?.map_err(|error| {
            let text = error.to_string();
            Fault::about(FaultCode::IncorrectParameters, text)
        })?;
        self.ask(Request::AddProcesses { group, processes }).await
    }

    /// Refuses a group that is not active, before anything else is looked at.
    fn known_group(&self, name: &str) -> Result<(), Fault> {
        let view = &self.published.latest().view;
        let is_known = view.groups.iter().any(|group| group.spec.name == name);
        is_known.then_some(()).ok_or_else(|| no_group(name))
    }
}

/// The names of the active groups, in the order in which they were added.
fn group_names(view: &View) -> Vec<String> {
    let mut groups: Vec<&Arc<GroupView>> = view.groups.iter().collect();
    groups.sort_by_key(|group| group.id);
    groups.iter().map(|group| group.spec.name.clone()).collect()
}
