%% The Erlang twin of each figure. `erl -noshell -run twin main FIGURE SIZE` prints one JSON object: nanoseconds of
%% one, bytes of one, or seconds of a phase. Logging is off (logger_level none).

-module(twin).

-export([main/1]).

-define(RING, 1000).
-define(CROWD, 10000).
-define(LIVES, 100).
-define(SLICE, 500).

main([Figure, Size]) ->
    {ok, Supervisor} = twin_supervisor:start_link(),
    true = unlink(Supervisor),
    Values = figure(list_to_atom(Figure), list_to_integer(Size), Supervisor),
    io:format("{~s}~n", [lists:join($,, [io_lib:format("\"~s\": ~p", [Name, Value]) || {Name, Value} <- Values])]),
    erlang:halt(0, [{flush, true}]).

%% One token round a ring of gen_servers.
figure(hop, Hops, Supervisor) ->
    hops([child(Supervisor, {node, self()}) || _ <- lists:seq(1, ?RING)], Hops);

%% The same round a ring of bare processes: no supervisor, no gen_server.
figure(hop_bare, Hops, _) ->
    Done = self(),
    hops([spawn_link(fun() -> bare(Done, none) end) || _ <- lists:seq(1, ?RING)], Hops);

%% One process sends to each of a crowd; when all have it, again.
figure(one_to_many, Sent, Supervisor) ->
    Left = atomics:new(1, []),
    Sender = self(),
    Crowd = [child(Supervisor, {counting, Left, Sender}) || _ <- lists:seq(1, ?CROWD)],
    erlang:garbage_collect(),
    nanoseconds(Sent, fun() -> broadcast(Crowd, Left, Sent div ?CROWD) end);

figure(spawn, Children, Supervisor) ->
    nanoseconds(Children, fun() -> start(Supervisor, idle, Children) end);

%% One crash after the other: the next message goes to the child that has just come up.
figure(crash_and_restart, Crashes, _) ->
    Rounds = Crashes div ?LIVES,
    Taken = lists:sum([crash_round() || _ <- lists:seq(1, Rounds)]),
    [{value, Taken / (Rounds * ?LIVES)}];

figure(named, Many, Supervisor) -> slope(Supervisor, Many, fun(Number) -> named(Supervisor, Number, idle) end);
figure(named_hibernated, Many, Supervisor) ->
    slope(Supervisor, Many, fun(Number) -> named(Supervisor, Number, hibernating) end);
figure(child, Many, Supervisor) -> slope(Supervisor, Many, fun(_) -> child(Supervisor, idle) end);
figure(child_hibernated, Many, Supervisor) -> slope(Supervisor, Many, fun(_) -> child(Supervisor, hibernating) end);

%% Spawn all, tell each twice, stop all.
figure(million, Many, Supervisor) ->
    Begin = erlang:monotonic_time(),
    Pids = start(Supervisor, idle, Many),
    Spawned = erlang:monotonic_time(),
    [[Pid ! message || Pid <- Pids] || _ <- [1, 2]],
    rest(),
    Told = erlang:monotonic_time(),
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, _, _} -> ok end,
    Stopped = erlang:monotonic_time(),
    [{spawn_s, seconds(Spawned - Begin)}, {tell_s, seconds(Told - Spawned)}, {stop_s, seconds(Stopped - Told)}].

child(Supervisor, Argument) ->
    {ok, Pid} = supervisor:start_child(Supervisor, [Argument]),
    Pid.

named(Supervisor, Number, Argument) ->
    child(Supervisor, {named, list_to_atom("actor-" ++ integer_to_list(Number)), Argument}).

start(Supervisor, Argument, Many) -> [child(Supervisor, Argument) || _ <- lists:seq(1, Many)].

hops(Ring, Hops) ->
    [Node ! {next, Next} || {Node, Next} <- lists:zip(Ring, tl(Ring) ++ [hd(Ring)])],
    nanoseconds(Hops, fun() -> hd(Ring) ! Hops, receive done -> ok end end).

bare(Done, Next) ->
    receive
        {next, Other} -> bare(Done, Other);
        0 -> Done ! done, bare(Done, Next);
        Left -> Next ! Left - 1, bare(Done, Next)
    end.

broadcast(_, _, 0) -> ok;
broadcast(Crowd, Left, Times) ->
    atomics:put(Left, 1, length(Crowd)),
    [Pid ! message || Pid <- Crowd],
    receive done -> ok end,
    broadcast(Crowd, Left, Times - 1).

%% A supervisor of its own for every hundred crashes: it remembers each restart of the last second in a list.
crash_round() ->
    {ok, Supervisor} = twin_supervisor:start_link(),
    true = unlink(Supervisor),
    child(Supervisor, {crashing, self()}),
    {_, Taken} = timed(fun() -> crash(?LIVES) end),
    exit(Supervisor, kill),
    Taken.

crash(0) -> receive {up, _} -> ok end;
crash(Lives) -> receive {up, Pid} -> Pid ! crash, crash(Lives - 1) end.

%% Bytes of one: the slope of Pss from a tenth of them to all, each having handled three messages.
slope(Supervisor, Many, Start) ->
    Few = Many div 10,
    Before = settled(Supervisor, 1, Few, Start),
    After = settled(Supervisor, Few + 1, Many, Start),
    [{value, (After - Before) / (Many - Few)}].

settled(Supervisor, Next, Last, _) when Next > Last ->
    true = erlang:garbage_collect(Supervisor),
    true = erlang:garbage_collect(),
    pss();
settled(Supervisor, Next, Last, Start) ->
    Slice = [Start(Number) || Number <- lists:seq(Next, min(Next + ?SLICE - 1, Last))],
    [[Pid ! message || Pid <- Slice] || _ <- [1, 2, 3]],
    rest(),
    settled(Supervisor, Next + ?SLICE, Last, Start).

%% Until no process has anything to do.
rest() ->
    case erlang:statistics(total_run_queue_lengths_all) of
        0 -> ok;
        _ -> erlang:yield(), rest()
    end.

pss() ->
    {ok, Text} = file:read_file("/proc/self/smaps_rollup"),
    {match, [Kilobytes]} = re:run(Text, "Pss: *([0-9]+) kB", [{capture, all_but_first, list}]),
    list_to_integer(Kilobytes) * 1024.

nanoseconds(Count, Work) ->
    {_, Taken} = timed(Work),
    [{value, Taken / Count}].

timed(Work) ->
    Begin = erlang:monotonic_time(nanosecond),
    Result = Work(),
    {Result, erlang:monotonic_time(nanosecond) - Begin}.

seconds(Native) -> erlang:convert_time_unit(Native, native, microsecond) / 1.0e6.
