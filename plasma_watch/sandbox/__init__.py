"""The sandbox engine: it answers as ComfyUI 0.3.64 answers, and draws instead of dreaming.

It stands in where there is no GPU, and in the tests. It is a process of its own: nothing of it is
imported by the daemon, which meets it only through HTTP and WebSocket, as it meets the real one.

    settings     what a sandbox is started with
    server       the process: opens the port, says where, ends with its parent
    engine       the parts, put together once
    routes       the doors: prompts (send, queue, history), pictures (upload, view), facts
    sockets      who gets which frame; the one place where frames leave
    tickets      the queue and the history
    validate     may this graph run? (reasons: in which words not)
    plan, cache  in which order; what need not run again
    executor     one ticket from start to end (telling: what is heard of it); worker: one by one
    nodes        what each class does with what it takes (inputs); values travel between them
    painter      the one place where pictures are made (lettering: what is written into them)
    mischief     what it does wrong when it is told to; nothing else knows of faults
    catalog      the faces of the nodes; folders: what lies where; naming: what files are called

Answers leave through `server.on_the_way_out`, frames through `Sockets.deliver`, pictures through
`painter.paint`.

Not imitated: the editor in the browser and its files; masks that are uploaded; nodes that are not
in `object_info.json`; tooltips and descriptions; the time that loading, encoding and decoding
take; black pictures from values that are no numbers; two tickets equal in number and id, over
which the engine's worker dies; a wish to free memory that gets lost; the SIGBUS over a model file
that is written in place; the wording of faults that Python or PyTorch raise inside a node.
"""
