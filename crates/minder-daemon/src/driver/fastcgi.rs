//! Opening and closing the sockets that `FastCGI` programs share.

use std::net::SocketAddr;
use std::sync::Arc;

use minder_core::{ChildId, GroupSpec, Level, SpawnError};
use minder_http::bind::BindError;
use minder_wire::ToKeeper;

use super::Driver;
use crate::fastcgi::{closing, creating, held_name, listen_at, socket_of};
use crate::link::LinkError;

impl Driver {
    /// Sees to it that the keeper holds the socket of `group`, if that has one, and takes note
    /// that `child` is going to use it. If it has to be made, it is to listen at `address`.
    pub(super) fn share_socket(
        &mut self,
        child: ChildId,
        group: &GroupSpec,
        address: Result<Option<SocketAddr>, BindError>,
    ) -> Result<Result<(), SpawnError>, LinkError> {
        let Some(socket) = socket_of(group) else {
            return Ok(Ok(()));
        };
        if !self.children.sockets.is_open(&group.name) {
            self.log.write(Level::Info, creating(&socket.url));
            let made = match listen_at(socket, address) {
                Ok(made) => made,
                Err(error) => return Ok(Err(SpawnError(error.to_string()))),
            };
            let name = held_name(&group.name);
            self.link.hold(name, &Arc::new(made))?;
        }
        self.children.sockets.join(&group.name, &socket.url, child);
        Ok(Ok(()))
    }

    /// Closes the sockets whose last user is gone. Returns once their addresses are free.
    pub(super) fn close_unused_sockets(&mut self) -> Result<(), LinkError> {
        let unused = self.children.sockets.take_unused();
        for unused in &unused {
            self.log.write(Level::Info, closing(&unused.url));
            let name = held_name(&unused.group);
            self.link.send(&ToKeeper::Release { name }, &[])?;
        }
        if !unused.is_empty() {
            self.link.synchronise()?;
        }
        Ok(())
    }
}
