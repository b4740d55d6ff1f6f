#!/usr/bin/env escript
%% -*- erlang -*-
%%! +P 2000000 -kernel logger_level none
%%
%% What supervising costs on the BEAM. Prints one JSON object with the same keys as kernel.ts.
%%   escript erlang.escript [scale]     scale 0.1 = a tenth of the cycles
-module(beam_bench).
-mode(compile).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, start_idle/0, start_tell/2]).

main(Args) ->
    logger:set_primary_config(level, none),
    Scale = case Args of [S | _] -> num(S); _ -> 1.0 end,
    N = fun(X) -> max(1, round(X * Scale)) end,
    {Median, P99} = restarts_of_one(crash, N(100)),
    {ExitMedian, ExitP99} = restarts_of_one(stop, N(100)),
    Out = [{list_to_binary("cycles_per_s_live_" ++ integer_to_list(L)), in_fresh(fun() -> dyn(L, N(60000)) end)}
           || L <- [0, 1000, 10000, 100000]]
          ++ [{<<"bytes_per_child_10000">>, mem(10000)},
              {<<"bytes_per_child_100000">>, mem(100000)},
              {<<"calls_per_s">>, in_fresh(fun() -> calls(N(400000)) end)},
              {<<"casts_per_s">>, in_fresh(fun() -> casts(N(1000000)) end)},
              {<<"restart_us_median">>, Median},
              {<<"restart_us_p99">>, P99},
              {<<"restart_after_exit_us_median">>, ExitMedian},
              {<<"restart_after_exit_us_p99">>, ExitP99},
              {<<"one_for_all_1000_ms">>, one_for_all(1000, 31)}],
    io:format("{~s}~n", [lists:join(",", [io_lib:format("\"~s\":~s", [K, js(V)]) || {K, V} <- Out])]).

num(S) -> try list_to_float(S) catch _:_ -> float(list_to_integer(S)) end.
js(I) when is_integer(I) -> integer_to_list(I);
js(F) when is_float(F) -> float_to_list(F, [{decimals, 2}]).

in_fresh(F) ->
    {_, M} = spawn_monitor(fun() -> exit({r, F()}) end),
    receive {'DOWN', M, _, _, {r, R}} -> R; {'DOWN', M, _, _, E} -> error(E) end.

%% rounds that are not counted for a second, then the median of five
per_s(Count, F) ->
    warm(F, erlang:monotonic_time(millisecond) + 1000),
    Rates = [begin {T, _} = timer:tc(F), round(Count * 1000000 / T) end || _ <- lists:seq(1, 5)],
    lists:nth(3, lists:sort(Rates)).

warm(F, UntilMs) ->
    F(),
    case erlang:monotonic_time(millisecond) < UntilMs of true -> warm(F, UntilMs); false -> ok end.

%% ---- behaviours: one module, tagged arguments
init({sup, Flags, Specs}) -> {ok, {Flags, Specs}};
init(idle) -> {ok, idle};
init({tell, Pid, Tag}) -> Pid ! {up, Tag, self()}, {ok, idle}.

handle_call(ping, _, S) -> {reply, pong, S}.
handle_cast(_, S) -> {noreply, S}.
handle_info(crash, _) -> error(boom);
handle_info(stop, S) -> {stop, {shutdown, boom}, S};
handle_info(_, S) -> {noreply, S}.

start_idle() -> gen_server:start_link(?MODULE, idle, []).
start_tell(Pid, Tag) -> gen_server:start_link(?MODULE, {tell, Pid, Tag}, []).

dyn_sup() ->
    {ok, S} = supervisor:start_link(?MODULE,
        {sup, #{strategy => simple_one_for_one, intensity => 1, period => 1},
         [#{id => w, start => {?MODULE, start_idle, []}, restart => temporary,
            shutdown => brutal_kill}]}),
    S.

%% (a) start child + monitor + kill + DOWN
dyn(Live, Cycles) ->
    S = dyn_sup(),
    [{ok, _} = supervisor:start_child(S, []) || _ <- lists:seq(1, Live)],
    R = per_s(Cycles, fun() -> dyn_loop(S, Cycles) end),
    stop(S), R.

dyn_loop(_, 0) -> ok;
dyn_loop(S, K) ->
    {ok, P} = supervisor:start_child(S, []),
    M = erlang:monitor(process, P),
    exit(P, kill),
    receive {'DOWN', M, _, _, killed} -> ok end,
    dyn_loop(S, K - 1).

%% (b) memory
mem(N) ->
    in_fresh(fun() ->
        S = dyn_sup(),
        erlang:garbage_collect(S), gc(), B = erlang:memory(total),
        [{ok, _} = supervisor:start_child(S, []) || _ <- lists:seq(1, N)],
        erlang:garbage_collect(S), gc(), A = erlang:memory(total),
        stop(S), (A - B) div N
    end).
gc() -> erlang:garbage_collect(), timer:sleep(50).

%% (c)
calls(N) ->
    {ok, P} = start_idle(),
    per_s(N, fun() -> [pong = gen_server:call(P, ping) || _ <- lists:seq(1, N)], ok end).

casts(N) ->
    {ok, P} = start_idle(),
    per_s(N, fun() -> cast_loop(P, N), pong = gen_server:call(P, ping, infinity) end).
cast_loop(_, 0) -> ok;
cast_loop(P, K) -> gen_server:cast(P, x), cast_loop(P, K - 1).

%% (d) crash -> restarted. A new supervisor after each 300 rounds, for it looks through all restarts of the last second at
%% each restart. The first ten supervisors are not counted.
restarts_of_one(End, Series) ->
    [restarts(End, 300) || _ <- lists:seq(1, 10)],
    Sorted = lists:sort(lists:append([restarts(End, 300) || _ <- lists:seq(1, Series)])),
    N = length(Sorted),
    {lists:nth(max(1, N div 2), Sorted) / 1000, lists:nth(max(1, N * 99 div 100), Sorted) / 1000}.

restarts(End, N) ->
    Self = self(),
    {ok, S} = supervisor:start_link(?MODULE,
        {sup, #{strategy => one_for_one, intensity => 1000000, period => 1},
         [#{id => w, start => {?MODULE, start_tell, [Self, w]}}]}),
    P0 = receive {up, w, P} -> P end,
    {Ts, _} = lists:mapfoldl(fun(_, Pid) ->
        T0 = erlang:monotonic_time(nanosecond),
        Pid ! End,
        Q = receive {up, w, X} -> X end,
        {erlang:monotonic_time(nanosecond) - T0, Q}
    end, P0, lists:seq(1, N)),
    stop(S),
    Ts.

%% (e) one_for_all, K children: crash the first, wait for the last to be up again
one_for_all(K, Rounds) ->
    Self = self(),
    {ok, S} = supervisor:start_link(?MODULE,
        {sup, #{strategy => one_for_all, intensity => 1000000, period => 1},
         [#{id => I, start => {?MODULE, start_tell, [Self, I]}} || I <- lists:seq(1, K)]}),
    P0 = ups(K),
    {Ts, _} = lists:mapfoldl(fun(_, First) ->
        T0 = erlang:monotonic_time(nanosecond),
        First ! crash,
        F = ups(K),
        {erlang:monotonic_time(nanosecond) - T0, F}
    end, P0, lists:seq(1, 10 + Rounds)),
    stop(S),
    Sorted = lists:sort(lists:nthtail(10, Ts)),
    lists:nth(max(1, Rounds div 2), Sorted) / 1000000.

ups(K) ->
    First = receive {up, 1, P} -> P end,
    [receive {up, I, _} -> ok end || I <- lists:seq(2, K)],
    First.

stop(S) ->
    unlink(S),
    M = erlang:monitor(process, S),
    exit(S, shutdown),
    receive {'DOWN', M, _, _, _} -> ok
    after 0 -> catch gen_server:stop(S), receive {'DOWN', M, _, _, _} -> ok end
    end.
