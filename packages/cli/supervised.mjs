/**
 * Loaded into every program that `krate up` starts (`node --import`): when the supervisor is gone, however it went, the
 * program stops itself cleanly. Without it a `kill -9` of the supervisor would leave the forge running unattended.
 */
if (process.channel) {
  process.channel.unref();
  process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
}
