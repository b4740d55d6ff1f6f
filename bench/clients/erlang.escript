#!/usr/bin/env escript
%% -*- erlang -*-
%%! +P 2000000 -kernel logger_level none
%%
%% What a client manager costs on the BEAM: a gen_server with a map of clients and a map of their streams, which monitors
%% both. Prints one JSON object with the same keys as clients.ts.
%%   escript erlang.escript [scale]     scale 0.1 = a tenth of the cycles
-module(clients_bench).
-mode(compile).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

main(Args) ->
    logger:set_primary_config(level, none),
    Scale = case Args of [S | _] -> num(S); _ -> 1.0 end,
    N = max(1, round(60000 * Scale)),
    Out = lists:append([[{"manager_cycles_per_s_live_" ++ integer_to_list(L), best(fun() -> cycles(L, N, made) end)},
                         {"client_lives_per_s_live_" ++ integer_to_list(L), best(fun() -> cycles(L, N, making) end)}]
                        || L <- [0, 10000, 100000]]),
    io:format("{~s}~n", [lists:join(",", [io_lib:format("\"~s\":~b", [K, V]) || {K, V} <- Out])]).

num(S) -> try list_to_float(S) catch _:_ -> float(list_to_integer(S)) end.

best(F) -> lists:max([in_fresh(F) || _ <- lists:seq(1, 3)]).

in_fresh(F) ->
    {_, M} = spawn_monitor(fun() -> exit({r, F()}) end),
    receive {'DOWN', M, _, _, {r, R}} -> R; {'DOWN', M, _, _, E} -> error(E) end.

%% ---- the manager: clients by node id, streams by node id, and whose monitor is whose
init(mgr) -> {ok, {#{}, #{}, #{}}}.

handle_call({connect, Id, Pid, Info}, _, {Cs, Ss, Rs}) ->
    R = erlang:monitor(process, Pid),
    {reply, ok, {Cs#{Id => {Pid, R, Info}}, Ss, Rs#{R => {client, Id}}}};
handle_call({store_stream, Id, St}, _, {Cs, Ss, Rs} = S) ->
    case Cs of
        #{Id := _} ->
            R = erlang:monitor(process, St),
            {reply, ok, {Cs, Ss#{Id => {St, R}}, Rs#{R => {stream, Id}}}};
        _ -> {reply, {error, not_found}, S}
    end;
handle_call(size, _, {Cs, Ss, _} = S) -> {reply, {map_size(Cs), map_size(Ss)}, S};
handle_call({has, Id}, _, {Cs, _, _} = S) -> {reply, is_map_key(Id, Cs), S}.

handle_cast(_, S) -> {noreply, S}.

handle_info({'DOWN', R, process, _, _}, {Cs, Ss, Rs} = S) ->
    case maps:take(R, Rs) of
        {{client, Id}, Rs1} ->
            Rs2 = case Ss of
                #{Id := {St, SR}} ->
                    erlang:demonitor(SR, [flush]),
                    exit(St, shutdown),
                    maps:remove(SR, Rs1);
                _ -> Rs1
            end,
            {noreply, {maps:remove(Id, Cs), maps:remove(Id, Ss), Rs2}};
        {{stream, Id}, Rs1} -> {noreply, {Cs, maps:remove(Id, Ss), Rs1}};
        error -> {noreply, S}
    end;
handle_info(_, S) -> {noreply, S}.

%% ---- the workload: connect, store a stream, die; waits until the manager has forgotten it
cycles(Live, N, Mode) ->
    {ok, M} = gen_server:start_link(?MODULE, mgr, []),
    [connect(M, {live, I}, pair()) || I <- lists:seq(1, Live)],
    Pairs = case Mode of made -> [pair() || _ <- lists:seq(1, N)]; making -> lists:duplicate(N, making) end,
    {T, _} = timer:tc(fun() -> loop(M, 1, Pairs), {Live, Live} = gen_server:call(M, size) end),
    round(N * 1000000 / T).

idle() -> receive never -> ok end.
pair() -> {spawn(fun idle/0), spawn(fun idle/0)}.

connect(M, Id, {C, St}) ->
    ok = gen_server:call(M, {connect, Id, C, #{node_id => Id, realm => default}}),
    ok = gen_server:call(M, {store_stream, Id, St}).

loop(_, _, []) -> ok;
loop(M, Id, [Pair | Rest]) ->
    {C, _} = Made = case Pair of making -> pair(); _ -> Pair end,
    connect(M, Id, Made),
    R = erlang:monitor(process, C),
    exit(C, kill),
    receive {'DOWN', R, _, _, _} -> ok end,
    gone(M, Id),
    loop(M, Id + 1, Rest).

gone(M, Id) -> case gen_server:call(M, {has, Id}) of false -> ok; true -> gone(M, Id) end.
