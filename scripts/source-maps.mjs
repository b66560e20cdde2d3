// Has stacks of tests name lines of the sources. As a flag of Node.js it would also hold for the threads that nodes
// start, each of which then reads the maps of all its modules: a third more for each node with events.
process.setSourceMapsEnabled(true)
