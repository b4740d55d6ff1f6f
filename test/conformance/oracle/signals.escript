#!/usr/bin/env escript
%% -*- erlang -*-
%%! +sbwt none -kernel logger_level none
%%
%% Oracle for links, exit signals, monitors, names and gen_server calls.
%% JSON lines in, JSON lines out; see ../README.md, "Signals".
-module(otp_signals).
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

main(_) ->
    logger:set_primary_config(level, none),
    ok = io:setopts(standard_io, [{binary, true}, {encoding, latin1}]),
    loop().

loop() ->
    case file:read_line(standard_io) of
        {ok, L0} ->
            case string:trim(L0) of
                <<>> -> loop();
                L ->
                    Sc = json_dec(L), Self = self(),
                    {P, M} = spawn_monitor(fun() -> Self ! {done, run(Sc)} end),
                    receive
                        {done, T} -> erlang:demonitor(M, [flush]),
                                     ok = file:write(standard_io, [json_enc(T), $\n]);
                        {'DOWN', M, _, P, Why} ->
                            io:format(standard_error, "~s: ~p~n", [maps:get(<<"id">>, Sc), Why]), halt(2)
                    end,
                    loop()
            end;
        eof -> halt(0)
    end.

run(Sc) ->
    process_flag(trap_exit, true),
    Tab = ets:new(t, [public, ordered_set]),
    put(tab, Tab), put(procs, #{}), put(pids, #{}), put(mons, #{}),
    Steps = [begin
                 R = op(S),
                 settle(),
                 Evs = lists:sort([E || [E] <- ets:match(Tab, {{ev, '_'}, '$1'})]),
                 ets:match_delete(Tab, {{ev, '_'}, '_'}),
                 {obj, [{op, maps:get(<<"op">>, S)}, {result, R}, {events, Evs},
                        {alive, lists:sort([N || {N, P} <- maps:to_list(get(procs)), is_process_alive(P)])}]}
             end || S <- maps:get(<<"steps">>, Sc)],
    [exit(P, kill) || P <- maps:values(get(procs))],
    {obj, [{id, maps:get(<<"id">>, Sc)}, {trace, Steps}]}.

log(E) -> log(get(tab), E).
log(Tab, E) -> ets:insert(Tab, {{ev, erlang:unique_integer([monotonic])}, E}).

%% every process here is a gen_server that runs closures and logs messages
new(Name, Pid) ->
    M = erlang:monitor(process, Pid),
    put(procs, (get(procs))#{Name => Pid}), put(pids, (get(pids))#{Pid => Name}),
    put(mons, (get(mons))#{M => Name}),
    ets:insert(get(tab), [{{name, Pid}, Name}, {{pid, Name}, Pid}]).

pid(N) -> maps:get(N, get(procs)).
%% run F inside process N; reply unless the process dies of it
in(N, F) ->
    Ref = make_ref(), Me = self(), P = pid(N),
    M = erlang:monitor(process, P),
    P ! {do, Me, Ref, F},
    receive {Ref, R} -> erlang:demonitor(M, [flush]), R;
            {'DOWN', M, _, _, noproc} -> {obj, [{exit, noproc}]};
            {'DOWN', M, _, _, _} -> <<"died">>
    after 5000 -> error({stuck, N}) end.

op(#{<<"op">> := <<"spawn">>, <<"p">> := N} = S) ->
    Tab = get(tab), Trap = maps:get(<<"trap">>, S, false),
    {ok, P} = gen_server:start(?MODULE, {Tab, Trap}, []),
    new(N, P), <<"ok">>;
op(#{<<"op">> := <<"link">>, <<"a">> := A, <<"b">> := B}) ->
    P = pid(B), in(A, fun() -> try link(P), <<"ok">> catch error:E -> err(E) end end);
op(#{<<"op">> := <<"unlink">>, <<"a">> := A, <<"b">> := B}) ->
    P = pid(B), in(A, fun() -> unlink(P), <<"ok">> end);
op(#{<<"op">> := <<"monitor">>, <<"a">> := A, <<"b">> := B, <<"ref">> := R}) ->
    P = pid(B), in(A, fun() -> mon(R, P) end);
op(#{<<"op">> := <<"monitor_name">>, <<"a">> := A, <<"name">> := Nm, <<"ref">> := R}) ->
    in(A, fun() -> mon(R, binary_to_atom(Nm)) end);
op(#{<<"op">> := <<"demonitor">>, <<"a">> := A, <<"ref">> := R} = S) ->
    Os = [flush || maps:get(<<"flush">>, S, false)],
    in(A, fun() -> case get({ref, R}) of
                       undefined -> <<"no_ref">>;
                       M -> erlang:demonitor(M, [info | Os])
                   end end);
op(#{<<"op">> := <<"trap">>, <<"p">> := P, <<"on">> := On}) ->
    in(P, fun() -> process_flag(trap_exit, On) end);
op(#{<<"op">> := <<"exit_signal">>, <<"from">> := A, <<"to">> := B, <<"reason">> := R}) ->
    P = pid(B), in(A, fun() -> exit(P, dec_reason(R)), <<"ok">> end);
op(#{<<"op">> := <<"exit">>, <<"p">> := P, <<"reason">> := R}) ->
    in(P, fun() -> {exit_now, dec_reason(R)} end);
op(#{<<"op">> := <<"stop">>, <<"p">> := P, <<"reason">> := R}) ->
    call_res(catch_exit(fun() -> gen_server:stop(pid(P), dec_reason(R), 5000) end));
op(#{<<"op">> := <<"register">>, <<"name">> := Nm, <<"p">> := P}) ->
    Pid = pid(P), in_driver(fun() -> register(binary_to_atom(Nm), Pid) end);
op(#{<<"op">> := <<"unregister">>, <<"name">> := Nm}) ->
    in_driver(fun() -> unregister(binary_to_atom(Nm)) end);
op(#{<<"op">> := <<"whereis">>, <<"name">> := Nm}) ->
    case whereis(binary_to_atom(Nm)) of undefined -> null; P -> maps:get(P, get(pids)) end;
op(#{<<"op">> := <<"start_named">>, <<"name">> := Nm, <<"p">> := N}) ->
    case gen_server:start({local, binary_to_atom(Nm)}, ?MODULE, {get(tab), false}, []) of
        {ok, P} -> new(N, P), <<"ok">>;
        {error, {already_started, P}} -> {obj, [{error, already_started}, {p, maps:get(P, get(pids))}]}
    end;
op(#{<<"op">> := <<"start_init">>, <<"how">> := How} = S) ->
    Opts = case S of #{<<"timeout">> := T} -> [{timeout, T}]; _ -> [] end,
    case gen_server:start(?MODULE, {init, How}, Opts) of
        {ok, P} -> exit(P, kill), <<"ok">>;
        ignore -> <<"ignore">>;
        {error, E} -> {obj, [{error, enc_reason(E)}]}
    end;
op(#{<<"op">> := <<"call">>, <<"by">> := A, <<"req">> := Req} = S) ->
    To = case S of #{<<"name">> := Nm} -> binary_to_atom(Nm); #{<<"to">> := B} -> pid(B) end,
    T = maps:get(<<"timeout">>, S, 2000),
    in(A, fun() -> call_res(catch_exit(fun() -> gen_server:call(To, {req, Req}, T) end)) end);
op(#{<<"op">> := <<"release">>, <<"p">> := P}) ->      % answer all withheld calls
    in(P, fun() -> [gen_server:reply(F, late) || F <- erase_held()], <<"ok">> end);
op(#{<<"op">> := <<"send">>, <<"to">> := P, <<"msg">> := M}) ->
    pid(P) ! {user, M}, <<"ok">>.

in_driver(F) -> try F(), <<"ok">> catch error:E -> err(E) end.
err(E) -> {obj, [{error, enc_reason(E)}]}.
erase_held() -> case erase(held) of undefined -> []; L -> lists:reverse(L) end.
mon(R, What) -> put({ref, R}, M = erlang:monitor(process, What)), put({mref, M}, R), <<"ok">>.
catch_exit(F) -> try {ok, F()} catch exit:{R, {gen_server, call, _}} -> {exit, R};
                                     exit:{R, _} -> {exit, R}; exit:R -> {exit, R} end.
call_res({ok, ok}) -> <<"ok">>;
call_res({ok, V}) -> {obj, [{ok, V}]};
call_res({exit, R}) -> {obj, [{exit, enc_reason(R)}]}.

init({init, <<"error">>}) -> {stop, bad_config};
init({init, <<"raise">>}) -> error(boom);
init({init, <<"exit">>}) -> exit(boom);
init({init, <<"exit_normal">>}) -> exit(normal);
init({init, <<"ignore">>}) -> ignore;
init({init, <<"hang">>}) -> receive never -> {ok, x} end;
init({init, <<"ok">>}) -> {ok, x};
init({Tab, Trap}) -> process_flag(trap_exit, Trap), {ok, Tab}.

handle_call({req, <<"echo">>}, _, T) -> {reply, echo, T};
handle_call({req, <<"hold">>}, F, T) ->
    put(held, [F | case get(held) of undefined -> []; L -> L end]), {noreply, T};
handle_call({req, <<"crash">>}, _, _) -> exit(boom);
handle_call({req, <<"raise">>}, _, _) -> error(boom);
handle_call({req, <<"stop_normal">>}, _, T) -> {stop, normal, T};
handle_call({req, <<"stop_reply">>}, _, T) -> {stop, normal, bye, T};
handle_call({req, <<"stop_shutdown">>}, _, T) -> {stop, {shutdown, x}, T};
handle_call(sync, _, T) -> {reply, ok, T}.
handle_cast(_, T) -> {noreply, T}.
handle_info({do, From, Ref, F}, T) ->
    case F() of
        {exit_now, R} -> From ! {Ref, <<"ok">>}, exit(R);
        R -> From ! {Ref, R}, {noreply, T}
    end;
handle_info({'EXIT', P, R}, T) ->
    log(T, [<<"EXIT">>, me(T), who(T, P), enc_reason(R)]), {noreply, T};
handle_info({'DOWN', M, process, O, R}, T) ->
    log(T, [<<"DOWN">>, me(T), get({mref, M}), who(T, O), enc_reason(R)]), {noreply, T};
handle_info({user, M}, T) -> log(T, [<<"msg">>, me(T), M]), {noreply, T};
handle_info(Other, T) ->
    log(T, [<<"stray">>, me(T), iolist_to_binary(io_lib:format("~0p", [element(1, Other)]))]), {noreply, T}.
terminate(R, T) when is_reference(T) -> log(T, [<<"term">>, me(T), enc_reason(R)]);
terminate(_, _) -> ok.
me(T) -> who(T, self()).
who(T, P) when is_pid(P) -> case ets:lookup(T, {name, P}) of [{_, N}] -> N; [] -> <<"?">> end;
who(_, {N, Node}) when Node =:= node() -> iolist_to_binary(["name:", atom_to_binary(N)]).

%% quiet when three rounds in a row (all live processes answered) saw no change
settle() -> settle(0, none).
settle(3, _) -> ok;
settle(K, Prev) ->
    [catch gen_server:call(P, sync, 1000) || P <- maps:values(get(procs)), is_process_alive(P)],
    flush_downs(),
    timer:sleep(1),
    Now = {ets:info(get(tab), size), [N || {N, P} <- maps:to_list(get(procs)), is_process_alive(P)]},
    case Now of Prev -> settle(K + 1, Now); _ -> settle(0, Now) end.

flush_downs() ->
    receive
        {'DOWN', M, process, _, R} ->
            case maps:find(M, get(mons)) of
                {ok, N} -> log([<<"exit">>, N, enc_reason(R)]);
                error -> ok
            end,
            flush_downs();
        {'EXIT', _, _} -> flush_downs()
    after 0 -> ok end.

enc_reason({R, [{_, _, _, _} | _]}) -> iolist_to_binary(["{", enc_reason(R), ",stack}"]);
enc_reason(A) when is_atom(A) -> atom_to_binary(A);
enc_reason({shutdown, X}) when is_atom(X) -> <<"{shutdown,", (atom_to_binary(X))/binary, "}">>;
enc_reason(Other) -> iolist_to_binary(io_lib:format("~0p", [Other])).
dec_reason(<<"{shutdown,", R/binary>>) -> {shutdown, binary_to_atom(binary:part(R, 0, byte_size(R) - 1))};
dec_reason(R) -> binary_to_atom(R).

%% ------------------------------------------------------------------ JSON

json_enc({obj, L}) ->
    [${, lists:join($,, [[json_str(K), $:, json_enc(V)] || {K, V} <- L]), $}];
json_enc(L) when is_list(L) -> [$[, lists:join($,, [json_enc(V) || V <- L]), $]];
json_enc(null) -> <<"null">>;
json_enc(true) -> <<"true">>;
json_enc(false) -> <<"false">>;
json_enc(A) when is_atom(A) -> json_str(A);
json_enc(N) when is_integer(N) -> integer_to_binary(N);
json_enc(B) when is_binary(B) -> json_str(B).

json_str(A) when is_atom(A) -> json_str(atom_to_binary(A));
json_str(B) -> [$", [case C of
                         $" -> <<"\\\"">>;
                         $\\ -> <<"\\\\">>;
                         _ when C < 32 -> io_lib:format("\\u~4.16.0b", [C]);
                         _ -> C
                     end || <<C>> <= B], $"].

json_dec(B) -> {V, R} = jv(ws(B)), <<>> = ws(R), V.

ws(<<C, R/binary>>) when C =:= 32; C =:= 9; C =:= 10; C =:= 13 -> ws(R);
ws(B) -> B.

jv(<<"{", R/binary>>) -> jobj(ws(R), #{});
jv(<<"[", R/binary>>) -> jarr(ws(R), []);
jv(<<"\"", R/binary>>) -> jstr(R, <<>>);
jv(<<"true", R/binary>>) -> {true, R};
jv(<<"false", R/binary>>) -> {false, R};
jv(<<"null", R/binary>>) -> {null, R};
jv(B) -> jnum(B, <<>>).

jobj(<<"}", R/binary>>, M) -> {M, R};
jobj(<<",", R/binary>>, M) -> jobj(ws(R), M);
jobj(<<"\"", R/binary>>, M) ->
    {K, R1} = jstr(R, <<>>),
    <<":", R2/binary>> = ws(R1),
    {V, R3} = jv(ws(R2)),
    jobj(ws(R3), M#{K => V}).

jarr(<<"]", R/binary>>, Acc) -> {lists:reverse(Acc), R};
jarr(<<",", R/binary>>, Acc) -> jarr(ws(R), Acc);
jarr(B, Acc) -> {V, R} = jv(B), jarr(ws(R), [V | Acc]).

jstr(<<"\"", R/binary>>, Acc) -> {Acc, R};
jstr(<<"\\u", H:4/binary, R/binary>>, Acc) ->
    jstr(R, <<Acc/binary, (unicode:characters_to_binary([binary_to_integer(H, 16)]))/binary>>);
jstr(<<"\\n", R/binary>>, Acc) -> jstr(R, <<Acc/binary, 10>>);
jstr(<<"\\", C, R/binary>>, Acc) -> jstr(R, <<Acc/binary, C>>);
jstr(<<C, R/binary>>, Acc) -> jstr(R, <<Acc/binary, C>>).

jnum(<<C, R/binary>>, Acc) when C >= $0, C =< $9; C =:= $- -> jnum(R, <<Acc/binary, C>>);
jnum(R, Acc) -> {binary_to_integer(Acc), R}.
