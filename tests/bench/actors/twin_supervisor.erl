%% OTP's supervisor of many like children, started on demand: what DynamicSupervisor is in Elixir.

-module(twin_supervisor).
-behaviour(supervisor).

-export([start_link/0, init/1]).

start_link() -> supervisor:start_link(?MODULE, []).

init([]) ->
    Child = #{id => child, start => {twin_server, start_link, []}, restart => transient, shutdown => 5000},
    {ok, {#{strategy => simple_one_for_one, intensity => 1000, period => 1}, [Child]}}.
