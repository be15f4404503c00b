"""A world in one process: nodes, clients, network, disks and clocks in virtual time, driven by one seed."""
