/** Imported into a child process: it ends with the process that started it, however that one ended. */
process.once("disconnect", () => process.exit(1));
// The channel alone keeps no child alive.
process.channel?.unref();
