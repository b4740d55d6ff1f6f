#!/usr/bin/env escript
%% -*- erlang -*-
%%! +sbwt none -kernel logger_level none
%%
%% Differential oracle: JSON-lines scenarios on stdin, JSON-lines traces on
%% stdout, every scenario run against the real OTP `supervisor` module.
%% See ../README.md for the format.   Usage: escript supervisors.escript < in > out
-module(otp_oracle).
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2,
         start_worker/3, start_sup/3, start_dyn/5]).

-define(HARD_LIMIT_MS, 20000).

main(_Args) ->
    logger:set_primary_config(level, none),
    ok = io:setopts(standard_io, [{binary, true}, {encoding, latin1}]),
    loop(0).

loop(I) ->
    case file:read_line(standard_io) of
        {ok, Line0} ->
            case string:trim(Line0) of
                <<>> -> loop(I);
                Line ->
                    Sc = json_dec(Line),
                    Self = self(),
                    {P, M} = spawn_monitor(fun() -> Self ! {done, self(), run(Sc)} end),
                    receive
                        {done, P, Trace} ->
                            erlang:demonitor(M, [flush]),
                            ok = file:write(standard_io, [json_enc(Trace), $\n]);
                        {'DOWN', M, process, P, Why} ->
                            io:format(standard_error, "scenario ~s: driver died: ~p~n",
                                      [maps:get(<<"id">>, Sc), Why]),
                            halt(2)
                    end,
                    loop(I + 1)
            end;
        eof -> halt(0)
    end.

%% ------------------------------------------------------------------ scenario

run(Sc) ->
    Tab = ets:new(log, [ordered_set, public]),
    Ctx = #{tab => Tab, drv => self()},
    Drv = self(),
    Top = maps:get(<<"sup">>, Sc),
    %% The starter is the parent of the top supervisor; it is traced with
    %% set_on_spawn so that the exit of every descendant is reported with a
    %% strictly monotonic time stamp.
    Starter = spawn(fun() -> starter(Drv) end),
    1 = erlang:trace(Starter, true, [procs, set_on_spawn, strict_monotonic_timestamp,
                                     {tracer, self()}]),
    put(top_pid, undefined), put(top_exit, undefined), put(pending, []),
    R0 = in_helper(Ctx, fun() -> ask(Starter, {start, Ctx, Top}) end),
    case ets:lookup(Tab, {cur, <<"top">>}) of
        [{_, TopPid}] ->
            put(top_pid, TopPid),
            put(top_mon, erlang:monitor(process, TopPid));
        [] -> put(top_exit, not_started)
    end,
    S0 = finish_step(Ctx, <<"start">>, enc_start(R0)),
    Steps = [begin
                 Op = maps:get(<<"op">>, St),
                 R = do_op(Ctx, Starter, Op, St),
                 finish_step(Ctx, Op, R)
             end || St <- maps:get(<<"steps">>, Sc, [])],
    Starter ! die,
    M = erlang:monitor(process, Starter),
    receive {'DOWN', M, _, _, _} -> ok end,
    ets:delete(Tab),
    {obj, [{id, maps:get(<<"id">>, Sc)}, {trace, [S0 | Steps]}]}.

%% Parent of the top supervisor.
starter(Drv) ->
    process_flag(trap_exit, true),
    starter_loop(Drv, undefined).

starter_loop(Drv, Top) ->
    receive
        {ask, From, Ref, {start, Ctx, Spec}} ->
            R = start_sup(Ctx, <<"top">>, Spec),
            From ! {Ref, R},
            starter_loop(Drv, case R of {ok, P} -> P; _ -> undefined end);
        {ask, From, Ref, stop_sup} ->
            R = case Top of
                    undefined -> {exit, noproc};
                    _ ->
                        M = erlang:monitor(process, Top),
                        exit(Top, shutdown),
                        receive {'DOWN', M, _, _, noproc} -> {exit, noproc};
                                {'DOWN', M, _, _, _} -> ok
                        end
                end,
            From ! {Ref, R},
            starter_loop(Drv, Top);
        {'EXIT', _, _} -> starter_loop(Drv, Top);
        die ->
            case Top of
                undefined -> ok;
                _ ->
                    M = erlang:monitor(process, Top),
                    exit(Top, shutdown),
                    receive {'DOWN', M, _, _, _} -> ok end
            end
    end.

ask(Pid, Req) ->
    Ref = make_ref(),
    Pid ! {ask, self(), Ref, Req},
    receive {Ref, R} -> R end.

%% ------------------------------------------------------------------ child starts

start_worker(Ctx, Path, C) ->
    attempt(Ctx, Path, C, fun() -> gen_server:start_link(?MODULE, {worker, Ctx, C}, []) end).

start_sup(Ctx, Path, C) ->
    attempt(Ctx, Path, C, fun() -> supervisor:start_link(?MODULE, {sup, Ctx, Path, C}) end).

%% Dynamic child of a simple_one_for_one supervisor: the identity and the
%% per-child behaviour come with the extra arguments of start_child/2.
start_dyn(Ctx, SupPath, Tmpl, Id, Args) ->
    start_worker(Ctx, join(SupPath, Id), maps:merge(Tmpl, Args)).

attempt(#{tab := Tab} = Ctx, Path, C, Start) ->
    N = ets:update_counter(Tab, {n, Path}, 1, {{n, Path}, 0}),
    case {lists:member(N, maps:get(<<"start_failures">>, C, [])),
          lists:member(N, maps:get(<<"start_ignores">>, C, []))} of
        {true, _} ->
            inject(Ctx, Path, N, C),
            log(Ctx, [<<"fail">>, Path, N]),
            {error, start_failed};
        {_, true} ->
            log(Ctx, [<<"ignore">>, Path, N]),
            ignore;
        _ ->
            case Start() of
                {ok, Pid} ->
                    ets:insert(Tab, [{{pid, Pid}, Path, N}, {{cur, Path}, Pid}]),
                    log(Ctx, [<<"start">>, Path, N]),
                    {ok, Pid};
                Err ->
                    log(Ctx, [<<"fail">>, Path, N]),
                    Err
            end
    end.

%% Runs in the supervisor process, inside a start attempt that is about to
%% fail: lets the driver queue one request behind it, ahead of the retry.
inject(#{drv := Drv}, Path, N, C) ->
    case maps:find(integer_to_binary(N), maps:get(<<"inject">>, C, #{})) of
        {ok, Op} ->
            Ref = make_ref(),
            Drv ! {inject, self(), Ref, Path, N, Op},
            receive {Ref, go} -> ok end;
        error -> ok
    end.

log(#{tab := Tab}, Ev) ->
    TS = {erlang:monotonic_time(nanosecond), erlang:unique_integer([monotonic])},
    ets:insert(Tab, {{ev, TS}, Ev}).

%% ------------------------------------------------------------------ callbacks

init({worker, Ctx, C}) ->
    process_flag(trap_exit, maps:get(<<"trap_exit">>, C, false)),
    {ok, {Ctx, C}};
init({sup, Ctx, Path, S}) ->
    Flags0 = #{strategy => atom(maps:get(<<"strategy">>, S, <<"one_for_one">>))},
    Flags1 = opt(S, <<"intensity">>, intensity, fun id/1, Flags0),
    Flags2 = opt(S, <<"period_s">>, period, fun id/1, Flags1),
    Flags = opt(S, <<"auto_shutdown">>, auto_shutdown, fun atom/1, Flags2),
    Simple = maps:get(strategy, Flags) =:= simple_one_for_one,
    {ok, {Flags, [child_spec(Ctx, Path, C, Simple) || C <- maps:get(<<"children">>, S, [])]}}.

child_spec(Ctx, SupPath, C, Simple) ->
    Id = maps:get(<<"id">>, C),
    Type = atom(maps:get(<<"type">>, C, <<"worker">>)),
    Start = case {Simple, Type} of
                {true, _} -> {?MODULE, start_dyn, [Ctx, SupPath, C]};
                {_, supervisor} -> {?MODULE, start_sup, [Ctx, join(SupPath, Id), C]};
                {_, _} -> {?MODULE, start_worker, [Ctx, join(SupPath, Id), C]}
            end,
    M0 = #{id => Id, start => Start, type => Type},
    M1 = opt(C, <<"restart">>, restart, fun atom/1, M0),
    M2 = opt(C, <<"significant">>, significant, fun id/1, M1),
    opt(C, <<"shutdown">>, shutdown,
        fun(X) when is_binary(X) -> atom(X); (X) -> X end, M2).

handle_call(_, _, S) -> {reply, ok, S}.
handle_cast({crash, Reason}, S) -> {stop, Reason, disarm(S)}.
handle_info(_, S) -> {noreply, S}.

%% `on_shutdown` describes how a worker answers its supervisor's shutdown
%% request only, not how it stops by itself.
disarm({Ctx, C}) -> {Ctx, maps:remove(<<"on_shutdown">>, C)}.

terminate(Reason, {#{tab := Tab} = Ctx, C}) ->
    case ets:lookup(Tab, {pid, self()}) of
        [{_, Path, N}] -> log(Ctx, [<<"term">>, Path, N, enc_reason(Reason)]);
        [] -> ok
    end,
    case {Reason, maps:get(<<"on_shutdown">>, C, <<"ok">>)} of
        {shutdown, <<"hang">>} -> receive never -> ok end;
        {shutdown, <<"exit:", R/binary>>} -> exit(dec_reason(R));
        _ -> ok
    end.

%% ------------------------------------------------------------------ operations

do_op(Ctx, _St, <<"crash">>, #{<<"path">> := Path, <<"reason">> := R}) ->
    crash(Ctx, Path, R);
do_op(Ctx, _St, <<"crash_many">>, #{<<"sup">> := SupPath, <<"targets">> := Ts}) ->
    case cur_sup(Ctx, SupPath) of
        undefined -> exit_res(noproc);
        a_worker -> <<"skipped">>;
        Sup ->
            in_helper(Ctx, fun() -> sys:suspend(Sup) end),
            Rs = [crash_queued(Ctx, Sup, maps:get(<<"path">>, T), maps:get(<<"reason">>, T))
                  || T <- Ts],
            in_helper(Ctx, fun() -> sys:resume(Sup) end),
            Rs
    end;
do_op(Ctx, _St, <<"stop">>, #{<<"path">> := Path, <<"reason">> := R}) ->
    case cur(Ctx, Path) of
        undefined -> exit_res(noproc);
        Pid ->
            in_helper(Ctx, fun() ->
                M = erlang:monitor(process, Pid),
                case element(1, sys:get_state(Pid)) of
                    #{tab := _} -> sys:replace_state(Pid, fun disarm/1);   % a worker
                    _ -> ok
                end,
                catch sys:terminate(Pid, dec_reason(R), infinity),
                receive {'DOWN', M, _, _, _} -> ok end
            end),
            <<"ok">>
    end;
do_op(Ctx, St, <<"stop_sup">>, _) ->
    case in_helper(Ctx, fun() -> ask(St, stop_sup) end) of
        ok -> <<"ok">>;
        {exit, noproc} -> exit_res(noproc)
    end;
do_op(Ctx, _St, Op, #{<<"sup">> := SupPath} = S) ->
    case cur_sup(Ctx, SupPath) of
        undefined -> exit_res(noproc);
        a_worker -> <<"skipped">>;       % the id was reused for a worker
        Sup ->
            case request(Ctx, Sup, SupPath, Op, S) of
                skipped -> <<"skipped">>;
                Req ->
                    enc_reply(Ctx, Op, Sup,
                              in_helper(Ctx, fun() ->
                                  try gen_server:call(Sup, Req, infinity)
                                  catch exit:{Why, _} -> {exit, Why}
                                  end
                              end))
            end
    end.

request(Ctx, Sup, SupPath, <<"start_child">>, S) ->
    case is_simple(Sup) of
        true -> {start_child, [maps:get(<<"id">>, S), maps:get(<<"args">>, S, #{})]};
        false -> {start_child, child_spec(Ctx, SupPath, maps:get(<<"child">>, S), false)}
    end;
request(_, _, _, <<"which_children">>, _) -> which_children;
request(_, _, _, <<"count_children">>, _) -> count_children;
request(#{tab := Tab}, _, SupPath, Op, #{<<"id">> := Id} = S) ->
    case S of
        #{<<"by">> := <<"pid">>} ->
            case ets:lookup(Tab, {cur, join(SupPath, Id)}) of
                [{_, Pid}] -> {binary_to_atom(Op), Pid};
                [] -> skipped                        % never started: no pid to name
            end;
        _ -> {binary_to_atom(Op), Id}
    end.

crash(Ctx, Path, R) ->
    case cur(Ctx, Path) of
        undefined -> exit_res(noproc);
        Pid ->
            M = erlang:monitor(process, Pid),
            send_crash(Pid, R),
            receive {'DOWN', M, _, _, _} -> ok
            after ?HARD_LIMIT_MS -> error({stuck, Path}) end,
            <<"ok">>
    end.

send_crash(Pid, <<"kill">>) -> exit(Pid, kill);
send_crash(Pid, R) -> gen_server:cast(Pid, {crash, dec_reason(R)}).

%% Crash a child and wait until its 'EXIT' sits in the supervisor's mailbox
%% (the supervisor itself is not running its main loop meanwhile).
crash_queued(Ctx, Sup, Path, R) ->
    case crash(Ctx, Path, R) of
        <<"ok">> ->
            #{tab := Tab} = Ctx,
            [{_, Pid}] = ets:lookup(Tab, {cur, Path}),
            await_exit_queued(Sup, Pid),
            <<"ok">>;
        Other -> Other
    end.

await_exit_queued(Sup, Pid) ->
    {messages, Ms} = process_info(Sup, messages),
    case lists:any(fun({'EXIT', P, _}) -> P =:= Pid; (_) -> false end, Ms) of
        true -> ok;
        false -> erlang:yield(), await_exit_queued(Sup, Pid)
    end.

cur(#{tab := Tab}, Path) ->
    case ets:lookup(Tab, {cur, Path}) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Pid; false -> undefined end;
        [] -> undefined
    end.

cur_sup(Ctx, Path) ->
    case cur(Ctx, Path) of
        undefined -> undefined;
        Pid -> case element(1, sys:get_state(Pid)) of state -> Pid; _ -> a_worker end
    end.

is_simple(Sup) -> element(3, sys:get_state(Sup)) =:= simple_one_for_one.

%% ------------------------------------------------------------------ driver loop

%% Run Fun in another process while this one keeps serving injections.
in_helper(Ctx, Fun) ->
    {_, M} = spawn_monitor(fun() -> exit({result, Fun()}) end),
    helper_wait(Ctx, M).

helper_wait(Ctx, M) ->
    receive
        {'DOWN', M, _, _, {result, R}} -> R;
        {'DOWN', M, _, _, Why} -> error({helper, Why});
        {inject, Sup, Ref, Path, N, Op} ->
            do_inject(Ctx, Sup, Ref, Path, N, Op),
            helper_wait(Ctx, M)
    after ?HARD_LIMIT_MS -> error(stuck)
    end.

do_inject(#{tab := Tab} = Ctx, Sup, Ref, Path, N, #{<<"op">> := Kind} = Op) ->
    SupPath = parent(Path),
    At = iolist_to_binary([Path, $#, integer_to_list(N)]),
    Entry = case Kind of
                <<"crash">> ->
                    %% only a process of this supervisor that is alive now
                    case cur(Ctx, maps:get(<<"path">>, Op)) of
                        undefined -> {At, Kind, {done, exit_res(noproc)}};
                        _ -> {At, Kind, {done, crash_queued(Ctx, Sup, maps:get(<<"path">>, Op),
                                                            maps:get(<<"reason">>, Op))}}
                    end;
                _ ->
                    case ets:lookup(Tab, {cur, SupPath}) of
                        [{_, Sup}] ->
                            Req = case Kind of
                                      <<"start_child">> ->
                                          {start_child, child_spec(Ctx, SupPath,
                                                                   maps:get(<<"child">>, Op), false)};
                                      _ -> request(Ctx, Sup, SupPath, Kind, Op)
                                  end,
                            {At, Kind, {req, Sup, gen_server:send_request(Sup, Req)}};
                        _ -> {At, Kind, {done, <<"skipped">>}}
                    end
            end,
    put(pending, [Entry | get(pending)]),
    Sup ! {Ref, go}.

%% Poll until every supervisor lists only live children and none restarting.
settle(Ctx) ->
    case get(top_exit) of
        undefined ->
            Top = get(top_pid), TopMon = get(top_mon),
            receive
                {'DOWN', TopMon, _, _, Why} -> put(top_exit, Why), dead
            after 0 ->
                case in_helper(Ctx, fun() -> catch_walk(Ctx, Top, <<"top">>) end) of
                    {ok, Tree} -> Tree;
                    unsettled -> erlang:yield(), settle(Ctx)
                end
            end;
        _ -> dead
    end.

catch_walk(Ctx, Pid, Path) ->
    try {ok, walk(Ctx, Pid, Path)}
    catch throw:unsettled -> unsettled;
          exit:_ -> unsettled
    end.

walk(#{tab := Tab} = Ctx, Sup, Path) ->
    L0 = supervisor:which_children(Sup),
    Simple = is_simple(Sup),
    Nodes = [case Child of
                 restarting -> throw(unsettled);
                 undefined -> {Id, {obj, [{id, Id}, {type, atom_to_binary(Type)},
                                          {state, <<"stopped">>}]}};
                 Pid ->
                     is_process_alive(Pid) orelse throw(unsettled),
                     [{_, P, N}] = ets:lookup(Tab, {pid, Pid}),
                     CId = base(P),
                     Sub = case Type of
                               supervisor -> [{children, walk(Ctx, Pid, P)}];
                               worker -> []
                           end,
                     {CId, {obj, [{id, CId}, {type, atom_to_binary(Type)},
                                  {state, <<"running">>}, {n, N} | Sub]}}
             end || {Id, Child, Type, _} <- L0],
    _ = Path,
    case Simple of
        true -> [T || {_, T} <- lists:keysort(1, Nodes)];
        false -> [T || {_, T} <- lists:reverse(Nodes)]       % start order
    end.

finish_step(#{tab := Tab} = Ctx, Op, Result) ->
    Tree = settle(Ctx),
    Injected = [{obj, [{at, At}, {op, K},
                       {result, case E of
                                    {done, R} -> R;
                                    {req, Sup, Id} ->
                                        case gen_server:wait_response(Id, infinity) of
                                            {reply, R} -> enc_reply(Ctx, K, Sup, R);
                                            {error, {Why, _}} -> exit_res(Why)
                                        end
                                end}]} || {At, K, E} <- lists:reverse(get(pending))],
    put(pending, []),
    DRef = erlang:trace_delivered(all),
    receive {trace_delivered, all, DRef} -> ok end,
    Exits = drain(Ctx, []),
    Logged = [{TS, Ev} || [TS, Ev] <- ets:match(Tab, {{ev, '$1'}, '$2'})],
    ets:match_delete(Tab, {{ev, '_'}, '_'}),
    Events = canon(Ctx, [E || {_, E} <- lists:sort(Exits ++ Logged)]),
    Top = case get(top_exit) of
              undefined -> <<"alive">>;
              not_started -> <<"not_started">>;
              Why1 -> exit_res(Why1)
          end,
    {obj, [{op, Op}, {result, Result}] ++
          [{injected, Injected} || Injected =/= []] ++
          [{events, Events}, {top, Top}] ++
          [{tree, Tree} || Tree =/= dead]}.

drain(#{tab := Tab} = Ctx, Acc) ->
    receive
        {trace_ts, Pid, exit, Reason, TS} ->
            case ets:lookup(Tab, {pid, Pid}) of
                [{_, Path, N}] ->
                    drain(Ctx, [{TS, [<<"stop">>, Path, N, enc_reason(Reason)]} | Acc]);
                [] -> drain(Ctx, Acc)
            end;
        {trace_ts, _, _, _, _} -> drain(Ctx, Acc);
        {trace_ts, _, _, _, _, _} -> drain(Ctx, Acc)
    after 0 -> Acc
    end.

%% Children of a simple_one_for_one supervisor stop in no defined order when
%% the supervisor goes down: sort each maximal run of consecutive term/stop
%% events of one such supervisor by (path, attempt, term before stop).
canon(#{tab := Tab}, Events) -> canon1(Tab, Events).

canon1(_, []) -> [];
canon1(Tab, [E | Rest]) ->
    case dyn_sup(E) of
        undefined -> [E | canon1(Tab, Rest)];
        Sup ->
            {Run, Rest1} = lists:splitwith(fun(X) -> dyn_sup(X) =:= Sup end, Rest),
            Key = fun([K, P, N | _]) -> {P, N, K =:= <<"stop">>} end,
            Sorted = [X || {_, X} <- lists:keysort(1, [{Key(X), X} || X <- [E | Run]])],
            Sorted ++ canon1(Tab, Rest1)
    end.

dyn_sup([K, Path | _]) when K =:= <<"stop">>; K =:= <<"term">> ->
    case base(Path) of
        <<"~", _/binary>> -> parent(Path);   % dynamic ids start with ~
        _ -> undefined
    end;
dyn_sup(_) -> undefined.

%% ------------------------------------------------------------------ encoding

enc_start({ok, _}) -> <<"ok">>;
enc_start(ignore) -> <<"ignore">>;
enc_start({error, E}) -> enc_err(E).

enc_reply(_, _, _, ok) -> <<"ok">>;
enc_reply(Ctx, <<"which_children">>, Sup, L) when is_list(L) ->
    Rows = [begin
                {Id1, S} = case Child of
                               restarting -> {Id, <<"restarting">>};
                               undefined -> {Id, <<"stopped">>};
                               Pid -> {P, N} = name(Ctx, Pid), {base(P), N}
                           end,
                [Id1, S, atom_to_binary(Type)]
            end || {Id, Child, Type, _} <- L],
    %% a simple_one_for_one supervisor lists children in no defined order
    case is_process_alive(Sup) andalso is_simple(Sup) of
        true -> lists:sort([[case I of undefined -> null; _ -> I end | T] || [I | T] <- Rows]);
        false -> Rows
    end;
enc_reply(_, <<"count_children">>, _, L) when is_list(L) -> {obj, L};
enc_reply(Ctx, _, _, {ok, Pid}) when is_pid(Pid) -> {obj, [{ok, tag(Ctx, Pid)}]};
enc_reply(_, _, _, {ok, undefined}) -> {obj, [{ok, null}]};
enc_reply(_, <<"get_childspec">>, _, {ok, M}) when is_map(M) ->
    {obj, [{id, maps:get(id, M)}, {restart, maps:get(restart, M)},
           {shutdown, maps:get(shutdown, M)}, {significant, maps:get(significant, M)},
           {type, maps:get(type, M)}]};
enc_reply(Ctx, _, _, {error, {already_started, Pid}}) ->
    {obj, [{error, already_started}, {child, tag(Ctx, Pid)}]};
enc_reply(_, <<"start_child">>, _, {error, {E, Child}}) when element(1, Child) =:= child ->
    enc_err(E);
enc_reply(_, _, _, {error, E}) -> enc_err(E);
enc_reply(_, _, _, {exit, Why}) -> exit_res(Why).

enc_err({shutdown, {failed_to_start_child, Id, R}}) ->
    {obj, [{error, failed_to_start_child}, {id, Id}, {reason, enc_err(R)}]};
enc_err({start_spec, R}) -> {obj, [{error, start_spec}, {reason, enc_err(R)}]};
enc_err({supervisor_data, R}) -> {obj, [{error, supervisor_data}, {reason, enc_err(R)}]};
enc_err({bad_start_spec, _}) -> {obj, [{error, bad_start_spec}]};
enc_err({bad_combination, L}) ->
    {obj, [{error, bad_combination}, {with, [atom_to_binary(K) || {K, _} <- lists:sort(L)]}]};
enc_err({duplicate_child_name, Id}) -> {obj, [{error, duplicate_child_name}, {id, Id}]};
enc_err({K, _}) when is_atom(K) -> {obj, [{error, K}]};
enc_err(E) when is_atom(E) -> {obj, [{error, E}]}.

exit_res(R) -> {obj, [{exit, enc_reason(R)}]}.

name(#{tab := Tab}, Pid) -> [{_, P, N}] = ets:lookup(Tab, {pid, Pid}), {P, N}.
tag(Ctx, Pid) -> {P, N} = name(Ctx, Pid), iolist_to_binary([P, $#, integer_to_list(N)]).

enc_reason(A) when is_atom(A) -> atom_to_binary(A);
enc_reason({shutdown, X}) when is_atom(X) -> <<"{shutdown,", (atom_to_binary(X))/binary, "}">>;
enc_reason({shutdown, {failed_to_start_child, _, _}}) -> <<"{shutdown,failed_to_start_child}">>;
enc_reason(Other) -> iolist_to_binary(io_lib:format("~0p", [Other])).

dec_reason(<<"{shutdown,", R/binary>>) ->
    {shutdown, binary_to_atom(binary:part(R, 0, byte_size(R) - 1))};
dec_reason(R) -> binary_to_atom(R).

join(P, Id) -> <<P/binary, "/", Id/binary>>.
base(P) -> lists:last(binary:split(P, <<"/">>, [global])).
parent(P) ->
    iolist_to_binary(lists:join($/, lists:droplast(binary:split(P, <<"/">>, [global])))).

atom(B) when is_binary(B) -> binary_to_atom(B);
atom(X) -> X.
id(X) -> X.
opt(Src, K, Key, F, M) ->
    case Src of #{K := V} -> M#{Key => F(V)}; _ -> M end.

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
