%% The actors of the twin, as gen_servers; what each does is chosen by its first argument, as a class is in Python.
%% Messages are sent with `!` and arrive in handle_info: one tuple less than a cast.

-module(twin_server).
-behaviour(gen_server).

-export([start_link/1, init/1, handle_info/2, handle_call/3, handle_cast/2]).

-record(idle, {a, b, c}).

%% {named, Name, Behaviour} registers the process as well.
start_link({named, Name, Behaviour}) -> gen_server:start_link({local, Name}, ?MODULE, Behaviour, []);
start_link(Behaviour) -> gen_server:start_link(?MODULE, Behaviour, []).

init(idle) -> {ok, #idle{}};
init(hibernating) -> {ok, {hibernating, #idle{}}, hibernate};
init({node, Done}) -> {ok, {node, Done, none}};
init({counting, Left, Done}) -> {ok, {counting, Left, Done}};
init({crashing, Prodder}) ->
    Prodder ! {up, self()},
    {ok, crashing}.

%% A state of three fields, and nothing to do.
handle_info(_, #idle{b = B} = State) ->
    {noreply, State#idle{a = B}};
handle_info(_, {hibernating, #idle{b = B} = State}) ->
    {noreply, {hibernating, State#idle{a = B}}, hibernate};

%% One place in a ring: passes the token on, one less each time.
handle_info({next, Next}, {node, Done, _}) ->
    {noreply, {node, Done, Next}};
handle_info(0, {node, Done, _} = State) ->
    Done ! done,
    {noreply, State};
handle_info(Left, {node, _, Next} = State) ->
    Next ! Left - 1,
    {noreply, State};

%% Counts down, shared by a crowd.
handle_info(_, {counting, Left, Done} = State) ->
    case atomics:sub_get(Left, 1, 1) of
        0 -> Done ! done;
        _ -> ok
    end,
    {noreply, State};

handle_info(crash, crashing) ->
    error(crash).

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast(_, State) -> {noreply, State}.
