//! Every word of the interface, in both languages.
//!
//! Texts without a gap are rows of the table below; sentences with gaps are the functions behind
//! it. Names of options, types of events, signals and what programs write are not translated.

use minder_core::ProcessState;

use crate::figures;
use crate::frame::Language;
use crate::reason::Ending;

/// Makes an enum of the rows, and the text of each in each language.
macro_rules! words {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// A text without gaps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word { $($name),* }

        impl Word {
            /// The text.
            pub(crate) const fn to(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => $english,
                    (Self::$name, Language::Chinese) => $chinese,)*
                }
            }

            /// Every row, for tests.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

words! {
    SkipToContent: "Skip to content", "跳到正文";
    Overview: "Overview", "总览";
    Events: "Events", "事件";
    Configuration: "Configuration", "配置";
    Live: "Live", "实时";
    Up: "Up", "已运行";
    Uptime: "Uptime", "已运行";
    Version: "Version", "版本";
    MainPid: "Main pid", "主 PID";
    Load: "Load", "负载";
    Memory: "Memory", "内存";
    Daemon: "Daemon", "守护进程";
    AllProcesses: "All processes", "全部进程";
    StartAll: "Start all", "全部启动";
    RestartAll: "Restart all", "全部重启";
    StopAll: "Stop all", "全部停止";
    NeedsAttention: "Needs attention", "需要处理";
    LastDay: "Last 24 hours", "最近 24 小时";
    LastHour: "last hour", "最近一小时";
    AllIsWell: "Everything that should run is running.", "该运行的都在运行。";
    FilterProcesses: "Filter by name or reason", "按名称或原因筛选";
    FilterEvents: "Filter by process or text", "按进程或文本筛选";
    Process: "Process", "进程";
    State: "State", "状态";
    Cpu: "CPU", "CPU";
    Pid: "PID", "PID";
    Restarts: "Restarts", "重启次数";
    InTheLastDay: "in the last 24 hours", "最近 24 小时内";
    Actions: "Actions", "操作";
    SelectAllShown: "Select all shown", "全选所示";
    Start: "Start", "启动";
    Restart: "Restart", "重启";
    Stop: "Stop", "停止";
    Log: "Log", "日志";
    Cancel: "Cancel", "取消";
    Clear: "Clear", "取消选择";
    Selected: "selected", "已选";
    Dismiss: "Dismiss", "关闭";
    Refresh: "refresh", "刷新";
    NotLive: "This page does not update by itself:", "此页面不会自动更新：";
    NothingToManage: "No programs to manage", "没有可管理的程序";
    HowToBegin: "Add a program to the configuration, then reread it:", "在配置中添加一个程序，然后重新读取：";
    NothingMatches: "No process matches.", "没有匹配的进程。";
    ShowAll: "Show all", "全部显示";
    Previous: "Previous", "上一页";
    Next: "Next", "下一页";
    Flapping: "flapping", "反复重启";
    NotStarted: "not started", "未启动";
    AsExpected: "as expected", "符合预期";
    Unexpected: "unexpected", "意外";
    OutOfMemory: "killed by the system, out of memory", "内存不足，被系统终止";
    Unseen: "nobody saw how it ended", "无人看到其如何结束";
    TookOver: "another daemon took over", "另一个守护进程已接管";
    Changes: "changes", "变化";
    Now: "now", "现在";
    Signal: "Signal", "信号";
    SignalHup: "HUP, reload", "HUP，重新加载";
    SignalUsr1: "USR1, reopen logs", "USR1，重新打开日志";
    ListenerName: "event listener", "事件监听器";
    Stream: "Stream", "流";
    File: "File", "文件";
    Search: "Search", "搜索";
    SearchLog: "Search in this log", "在此日志中搜索";
    Follow: "Follow", "跟随";
    Pause: "Pause", "暂停";
    Wrap: "Wrap", "换行";
    Following: "Following", "跟随中";
    More: "More", "更多";
    OpenPlain: "Open as plain text", "以纯文本打开";
    Download: "Download this file", "下载此文件";
    CopyLink: "Copy link to this place", "复制此处链接";
    ClearLog: "Clear log", "清空日志";
    ClearLogs: "Clear logs", "清空日志";
    Empty: "Nothing has been written.", "尚无内容。";
    EmptySince: "Nothing has been written to this file yet.", "此文件尚无内容。";
    NoLog: "No log is kept.", "未保留日志。";
    GoesToSyslog: "The log goes to syslog, which has to be asked for it.", "日志写入 syslog，需在那里查看。";
    NoMatch: "No line matches.", "没有匹配的行。";
    SearchBack: "Search further back", "继续向前搜索";
    EarlierLines: "Show earlier lines", "显示更早的行";
    PartGone: "What was asked for is not there any more. This is the end of the log.", "所要的部分已不存在。这是日志的末尾。";
    LatestLines: "Show the latest lines", "显示最新的行";
    Rotated: "One file ends here, and the next one begins.", "一个文件在此结束，下一个文件在此开始。";
    LeftOut: "Lines are left out here; the file has them.", "此处略去一些行；文件中有。";
    SendLine: "Send a line to stdin", "向 stdin 发送一行";
    LineForStdin: "Line for stdin", "发往 stdin 的一行";
    Send: "Send", "发送";
    Resources: "Resources", "资源";
    Command: "Command", "命令";
    Directory: "Directory", "目录";
    User: "User", "用户";
    Environment: "Environment", "环境变量";
    InForce: "Configuration in force", "生效的配置";
    ShowDefaults: "Show defaults", "显示默认值";
    HideDefaults: "Hide defaults", "隐藏默认值";
    Default: "default", "默认";
    Option: "Option", "选项";
    Value: "Value", "值";
    From: "From", "来源";
    Name: "Name", "名称";
    Masked: "masked", "已隐藏";
    ShowSecrets: "Show secrets", "显示机密";
    HideSecrets: "Hide secrets", "隐藏机密";
    OfTheDaemon: "the daemon's own", "守护进程的";
    Listeners: "Listeners", "监听器";
    NoListeners: "none", "无";
    LastSerial: "Last serial", "最新序号";
    Rate: "Rate", "速率";
    Kept: "Kept", "保留";
    RawStream: "Raw stream", "原始流";
    FoldRepeats: "Fold repeats", "折叠重复";
    Kinds: "Kinds", "种类";
    KindState: "State", "状态";
    KindLog: "Log", "日志";
    KindCommunication: "Communication", "通信";
    KindGroup: "Group", "组";
    KindRemote: "Remote", "远程";
    KindDaemon: "Daemon", "守护进程";
    KindTick: "Tick", "时钟";
    Time: "Time", "时间";
    WhatHappened: "What happened", "发生了什么";
    Type: "Type", "类型";
    Serial: "Serial", "序号";
    OlderEvents: "Older events", "更早的事件";
    NoEvents: "No events yet", "尚无事件";
    NoEventsMatch: "No events match", "没有匹配的事件";
    NoEventsHint: "Clear the filter, or choose more kinds.", "清除筛选，或选择更多种类。";
    EventsAreFromNowOn: "Events are kept from the start of this daemon on.", "事件自此守护进程启动起保留。";
    Became: "to", "变为";
    GroupAdded: "group added", "组已添加";
    GroupRemoved: "group removed", "组已移除";
    LineOnStdout: "line on stdout", "stdout 上的一行";
    LineOnStderr: "line on stderr", "stderr 上的一行";
    Communication: "communication", "通信";
    DaemonRuns: "daemon running", "守护进程运行中";
    DaemonStops: "daemon stopping", "守护进程停止中";
    Tick: "tick", "时钟";
    Reread: "Reread", "重新读取";
    Update: "Update", "更新";
    MainFile: "Main file", "主文件";
    FilesRead: "Files read", "已读取的文件";
    Sections: "Sections", "段";
    FilesDiffer: "Nothing happens until you update.", "更新之前不会有任何变化。";
    FilesAgree: "The files say what is running. There is nothing to update.", "文件与运行中的一致。没有可更新的内容。";
    FilesBroken: "The files could not be read, so what is running stays as it is. No process was touched.", "文件无法读取，运行中的保持不变。没有触及任何进程。";
    NotRead: "Not read", "未读取";
    WhatUpdateDoes: "What update will do", "更新将执行";
    NewValue: "On disk", "磁盘";
    OldValue: "In force", "生效";
    NotSet: "not set", "未设置";
    SecretChanged: "(secret changed)", "（密文已变更）";
    Added: "added", "新增";
    Changed: "changed", "变更";
    Removed: "removed", "移除";
    ChangedAt: "Changed", "修改时间";
    Theme: "Theme", "主题";
    ThemeAuto: "Auto", "跟随系统";
    ThemeLight: "Light", "浅色";
    ThemeDark: "Dark", "深色";
    LanguageName: "Language", "语言";
    Apply: "Apply", "应用";
    Metrics: "Metrics", "指标";
    HealthCheck: "Health", "健康";
    DaemonPid: "Daemon pid", "守护进程 PID";
    LastUpgrade: "Last upgrade", "最近一次升级";
    Limits: "Limits", "限制";
    Unlimited: "any number of", "不限";
    DaemonLog: "Daemon log", "守护进程日志";
    Keys: "Keys", "快捷键";
    Close: "Close", "关闭";
    SingleKeys: "Single keys on", "启用单键";
    KeyFilter: "filter, or search in the log", "筛选，或在日志中搜索";
    KeyRows: "next, previous row", "下一行、上一行";
    KeyOpen: "open the process", "打开进程";
    KeySelect: "select the row", "选择该行";
    KeyLog: "log of the row", "该行的日志";
    KeyActions: "start, restart, stop (asks)", "启动、重启、停止（会询问）";
    KeyPages: "overview, events, configuration, daemon", "总览、事件、配置、守护进程";
    KeyLogTools: "log: follow, pause, wrap", "日志：跟随、暂停、换行";
    KeyMatches: "log: next, previous match", "日志：下一个、上一个匹配";
    KeyStreams: "log: stdout, stderr", "日志：stdout、stderr";
    KeyFiles: "log: older, newer file", "日志：更旧、更新的文件";
    KeyLeave: "leave, clear, cancel", "离开、清除、取消";
    WentWrong: "This could not be done.", "未能完成。";
    NothingToDo: "Nothing is selected that this can be done with.", "未选中可执行此操作的进程。";
    NoSuchProcess: "There is no such process.", "没有此进程。";
    // What the script says.
    Reconnecting: "Reconnecting", "正在重连";
    NotAnswering: "Not answering", "无响应";
    Paused: "Paused", "已暂停";
    PausedHeld: "Paused, {n} new lines held", "已暂停，暂存 {n} 行";
    NotFollowing: "Not following", "未跟随";
    AskStop: "Stop it?", "停止它？";
    AskRestart: "Restart it?", "重启它？";
    DaemonRestarts: "The daemon is restarting. Programs keep running; figures are from {t}. Next try in {s} s.", "守护进程正在重启。程序继续运行；数据截至 {t}。{s} 秒后重试。";
    NoAnswerFor: "No answer for {d} s; figures are from {t}. Programs run without the daemon.", "已 {d} 秒无响应；数据截至 {t}。没有守护进程，程序仍在运行。";
    DoingStart: "starting", "正在启动";
    DoingStop: "stopping", "正在停止";
    DoingRestart: "restarting", "正在重启";
    NewEvents: "{n} new events", "{n} 个新事件";
    LinkCopied: "The link to this line is copied.", "已复制此行的链接。";
    LinkInAddress: "The address bar has the link to this line.", "此行的链接在地址栏中。";
    Anew: "The file begins anew here.", "文件从此处重新开始。";
}

/// The name of a state: Supervisor's, or its translation.
pub(crate) const fn state(state: ProcessState, language: Language) -> &'static str {
    match language {
        Language::English => state_in_english(state),
        Language::Chinese => match state {
            ProcessState::Running => "运行中",
            ProcessState::Starting => "启动中",
            ProcessState::Stopping => "停止中",
            ProcessState::Backoff => "等待重试",
            ProcessState::Fatal => "已放弃",
            ProcessState::Stopped => "已停止",
            ProcessState::Exited => "已退出",
            ProcessState::Unknown => "未知",
        },
    }
}

const fn state_in_english(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Running => "RUNNING",
        ProcessState::Starting => "STARTING",
        ProcessState::Stopping => "STOPPING",
        ProcessState::Backoff => "BACKOFF",
        ProcessState::Fatal => "FATAL",
        ProcessState::Stopped => "STOPPED",
        ProcessState::Exited => "EXITED",
        ProcessState::Unknown => "UNKNOWN",
    }
}

/// So many processes in a state: `3 RUNNING`.
pub(crate) fn states(count: usize, of: ProcessState, language: Language) -> String {
    let (count, name) = (figures::count(count), state(of, language));
    match language {
        Language::English => format!("{count} {name}"),
        Language::Chinese => format!("{count} 个{name}"),
    }
}

/// Several states, as they stand in the title and in a link to them.
pub(crate) fn listed(parts: &[String], language: Language) -> String {
    parts.join(match language {
        Language::English => ", ",
        Language::Chinese => "，",
    })
}

pub(crate) fn groups_differ(count: usize, language: Language) -> String {
    match (language, count) {
        (Language::English, 1) => "1 group differs from the files".to_owned(),
        (Language::English, _) => format!("{count} groups differ from the files"),
        (Language::Chinese, _) => format!("{count} 个组与文件不同"),
    }
}

/// How the files differ from what is running.
pub(crate) fn files_differ(
    added: usize,
    changed: usize,
    removed: usize,
    language: Language,
) -> String {
    let counts = [
        (added, Word::Added),
        (changed, Word::Changed),
        (removed, Word::Removed),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let parts = counts
        .enumerate()
        .map(|(index, (count, how))| match (language, index, count) {
            (Language::English, 0, 1) => format!("1 group {}", how.to(language)),
            (Language::English, 0, _) => format!("{count} groups {}", how.to(language)),
            (Language::English, _, _) => format!("{count} {}", how.to(language)),
            (Language::Chinese, _, _) => format!("{} {count} 个组", how.to(language)),
        });
    let parts: Vec<_> = parts.collect();
    let parts = listed(&parts, language);
    match language {
        Language::English => {
            format!(
                "The files differ from what is running: {parts}. {}",
                Word::FilesDiffer.to(language)
            )
        }
        Language::Chinese => format!(
            "文件与运行中的不同：{parts}。{}",
            Word::FilesDiffer.to(language)
        ),
    }
}

/// How long it may take to stop what an update stops.
pub(crate) fn up_to_stop(secs: u64, language: Language) -> String {
    match language {
        Language::English => format!("up to {secs} s to stop"),
        Language::Chinese => format!("停止最多 {secs} 秒"),
    }
}

/// The processes that a group will not have any more.
pub(crate) fn without(names: &str, language: Language) -> String {
    match language {
        Language::English => format!("No longer there: {names}"),
        Language::Chinese => format!("不再有：{names}"),
    }
}

/// The processes that a group will have besides.
pub(crate) fn with(names: &str, language: Language) -> String {
    match language {
        Language::English => format!("New: {names}"),
        Language::Chinese => format!("新增：{names}"),
    }
}

/// Names, as many as are read at a glance.
pub(crate) fn some(names: &[String], most: usize, language: Language) -> String {
    let more = names.len().saturating_sub(most);
    let more = (more > 0).then(|| and_more(more, language));
    let parts: Vec<_> = names.iter().take(most).cloned().chain(more).collect();
    listed(&parts, language)
}

/// That a list goes on.
fn and_more(count: usize, language: Language) -> String {
    match language {
        Language::English => format!("and {count} more"),
        Language::Chinese => format!("另有 {count} 个"),
    }
}

pub(crate) fn as_of(time: &str, language: Language) -> String {
    match language {
        Language::English => format!("As of {time}."),
        Language::Chinese => format!("截至 {time}。"),
    }
}

/// How many times the daemon has died under the keeper.
pub(crate) fn replaced(times: u32, ago: &str, language: Language) -> String {
    match (language, times) {
        (Language::English, 1) => format!("replaced {ago} ago, no process noticed"),
        (Language::English, _) => {
            format!("replaced {times} times, last {ago} ago, no process noticed")
        }
        (Language::Chinese, 1) => format!("{ago}前更换，进程未受影响"),
        (Language::Chinese, _) => format!("更换 {times} 次，最近一次在 {ago}前，进程未受影响"),
    }
}

/// How an upgrade went.
pub(crate) fn upgraded(from: &str, to: &str, language: Language) -> String {
    match language {
        Language::English => format!("from {from} to {to}"),
        Language::Chinese => format!("从 {from} 到 {to}"),
    }
}

pub(crate) fn upgrade_refused(to: &str, why: &str, language: Language) -> String {
    match (language, to) {
        (Language::English, "") => format!("refused: {why}"),
        (Language::English, _) => format!("to {to} refused: {why}"),
        (Language::Chinese, "") => format!("被拒绝：{why}"),
        (Language::Chinese, _) => format!("到 {to} 被拒绝：{why}"),
    }
}

pub(crate) fn rolled_back(to: &str, why: &str, language: Language) -> String {
    match language {
        Language::English => format!("to {to} rolled back: {why}"),
        Language::Chinese => format!("到 {to} 已回退：{why}"),
    }
}

pub(crate) fn descriptors(count: &str, language: Language) -> String {
    match language {
        Language::English => format!("{count} open files"),
        Language::Chinese => format!("打开文件 {count}"),
    }
}

pub(crate) fn processes_per_user(count: &str, language: Language) -> String {
    match language {
        Language::English => format!("{count} processes per user"),
        Language::Chinese => format!("每个用户的进程 {count}"),
    }
}

pub(crate) fn memory_of(used: u64, all: u64, language: Language) -> String {
    // The same unit for both, said once.
    let (used, all) = (figures::bytes(used), figures::bytes(all));
    let ((number, unit), (_, unit_of_all)) = (parts(&used), parts(&all));
    let used = if unit == unit_of_all { number } else { &used };
    match language {
        Language::English => format!("{used} of {all}"),
        Language::Chinese => format!("{used} / {all}"),
    }
}

fn parts(figure: &str) -> (&str, &str) {
    figure.split_once(' ').unwrap_or((figure, ""))
}

pub(crate) fn act_on(verb: Word, name: &str, language: Language) -> String {
    format!("{} {name}", verb.to(language))
}

pub(crate) fn select(name: &str, language: Language) -> String {
    match language {
        Language::English => format!("Select {name}"),
        Language::Chinese => format!("选择 {name}"),
    }
}

/// What the pager says: which lines of how many.
pub(crate) fn lines(from: usize, to: usize, of: usize, language: Language) -> String {
    let [from, to, of] = [from, to, of].map(figures::count);
    match language {
        Language::English => format!("Rows {from} to {to} of {of}"),
        Language::Chinese => format!("第 {from} 至 {to} 行，共 {of} 行"),
    }
}

pub(crate) fn in_groups(
    processes: usize,
    groups: usize,
    alone: usize,
    language: Language,
) -> String {
    let [processes, groups, alone] = [processes, groups, alone].map(figures::count);
    match language {
        Language::English => {
            format!("{processes} processes: {groups} groups, and {alone} on their own.")
        }
        Language::Chinese => {
            format!("{processes} 个进程：{groups} 个组，另有 {alone} 个独立进程。")
        }
    }
}

pub(crate) fn more_trouble(parts: &[String], count: usize, language: Language) -> String {
    let (count, parts) = (figures::count(count), listed(parts, language));
    match language {
        Language::English => format!("{count} more: {parts}"),
        Language::Chinese => format!("另有 {count} 个：{parts}"),
    }
}

pub(crate) fn flapping(restarts: u32, ended: Option<&Ending>, language: Language) -> String {
    let often = match language {
        Language::English => format!("Flapping: {restarts} restarts in the last 24 h"),
        Language::Chinese => format!("反复重启：最近 24 小时内重启 {restarts} 次"),
    };
    let ended = ended.map(|ended| ended.last(language));
    let parts: Vec<_> = [often].into_iter().chain(ended).collect();
    let parts = listed(&parts, language);
    match language {
        Language::English => format!("{parts}."),
        Language::Chinese => format!("{parts}。"),
    }
}

pub(crate) fn given_up(ago: &str, language: Language) -> String {
    match language {
        Language::English => format!("Given up {ago} ago."),
        Language::Chinese => format!("{ago}前放弃。"),
    }
}

pub(crate) fn too_quickly(times: u32, language: Language) -> String {
    match (language, times) {
        (Language::English, 1) => "exited too quickly".to_owned(),
        (Language::English, _) => format!("exited too quickly {times} times"),
        (Language::Chinese, 1) => "过快退出".to_owned(),
        (Language::Chinese, _) => format!("过快退出 {times} 次"),
    }
}

pub(crate) fn last_exit_code(code: i32, language: Language) -> String {
    match language {
        Language::English => format!("last exit code {code}"),
        Language::Chinese => format!("最后退出码 {code}"),
    }
}

pub(crate) fn exit_code(code: i32, language: Language) -> String {
    match language {
        Language::English => format!("exit code {code}"),
        Language::Chinese => format!("退出码 {code}"),
    }
}

pub(crate) fn retry(number: u32, of: i64, language: Language) -> String {
    match language {
        Language::English => format!("retry {number} of {of}"),
        Language::Chinese => format!("第 {number} 次重试，共 {of} 次"),
    }
}

pub(crate) fn retry_in(number: u32, of: i64, secs: u64, language: Language) -> String {
    match language {
        Language::English => format!("retry {number} of {of} in {secs} s"),
        Language::Chinese => format!("{secs} 秒后第 {number} 次重试，共 {of} 次"),
    }
}

pub(crate) fn ready_in(secs: u64, language: Language) -> String {
    match language {
        Language::English => format!("ready in {secs} s"),
        Language::Chinese => format!("{secs} 秒后就绪"),
    }
}

pub(crate) fn stopped_at(when: &str, by: Option<&str>, language: Language) -> String {
    match (language, by) {
        (Language::English, None) => format!("stopped {when}"),
        (Language::English, Some(by)) => format!("stopped by {by} on {when}"),
        (Language::Chinese, None) => format!("{when} 停止"),
        (Language::Chinese, Some(by)) => format!("{when} 由 {by} 停止"),
    }
}

pub(crate) fn finished(when: &str, code: i32, expected: bool, language: Language) -> String {
    let judged = judged(expected, language);
    match language {
        Language::English => format!("finished {when} with code {code}, {judged}"),
        Language::Chinese => format!("{when} 以退出码 {code} 结束，{judged}"),
    }
}

pub(crate) fn ended(when: &str, how: &str, expected: bool, language: Language) -> String {
    let judged = judged(expected, language);
    match language {
        Language::English => format!("ended {when}, {judged}: {how}"),
        Language::Chinese => format!("{when} 结束，{judged}：{how}"),
    }
}

fn judged(expected: bool, language: Language) -> &'static str {
    let word = if expected {
        Word::AsExpected
    } else {
        Word::Unexpected
    };
    word.to(language)
}

pub(crate) fn waiting(events: usize, language: Language) -> String {
    match (language, events) {
        (Language::English, 0) => "event listener, none waiting".to_owned(),
        (Language::English, _) => format!("event listener, {events} waiting"),
        (Language::Chinese, 0) => "事件监听器，无积压".to_owned(),
        (Language::Chinese, _) => format!("事件监听器，积压 {events} 个"),
    }
}

/// How a pool of listeners is, how many events wait for it, and how many it had no room for.
pub(crate) fn listener(
    name: &str,
    state: &str,
    events: usize,
    lost: u64,
    language: Language,
) -> String {
    let waits = match (language, events) {
        (Language::English, 0) => format!("{name} {state}, none waiting"),
        (Language::English, _) => format!("{name} {state}, {events} waiting"),
        (Language::Chinese, 0) => format!("{name} {state}，无积压"),
        (Language::Chinese, _) => format!("{name} {state}，积压 {events} 个"),
    };
    match (language, lost) {
        (_, 0) => waits,
        (Language::English, _) => format!("{waits}, {lost} discarded"),
        (Language::Chinese, _) => format!("{waits}，丢弃 {lost} 个"),
    }
}

/// For how long a process has been in its state.
pub(crate) fn for_so_long(duration: &str, language: Language) -> String {
    match language {
        Language::English => format!("for {duration}"),
        Language::Chinese => format!("已 {duration}"),
    }
}

pub(crate) fn pid(pid: u32, language: Language) -> String {
    match language {
        Language::English => format!("pid {pid}"),
        Language::Chinese => format!("PID {pid}"),
    }
}

pub(crate) fn no_more_retries(language: Language) -> &'static str {
    match language {
        Language::English => "Minder will not try again by itself.",
        Language::Chinese => "Minder 不会再自行重试。",
    }
}

pub(crate) fn peak(figure: &str, language: Language) -> String {
    match language {
        Language::English => format!("peak {figure}"),
        Language::Chinese => format!("峰值 {figure}"),
    }
}

pub(crate) fn limit(figure: &str, language: Language) -> String {
    match language {
        Language::English => format!("limit {figure}"),
        Language::Chinese => format!("上限 {figure}"),
    }
}

pub(crate) fn count_of_lines(count: usize, language: Language) -> String {
    let text = figures::count(count);
    match (language, count) {
        (Language::English, 1) => "1 line".to_owned(),
        (Language::English, _) => format!("{text} lines"),
        (Language::Chinese, _) => format!("{text} 行"),
    }
}

pub(crate) fn matches(count: usize, language: Language) -> String {
    let text = figures::count(count);
    match (language, count) {
        (Language::English, 1) => "1 line matches".to_owned(),
        (Language::English, _) => format!("{text} lines match"),
        (Language::Chinese, _) => format!("{text} 行匹配"),
    }
}

pub(crate) fn current_file(size: &str, language: Language) -> String {
    match language {
        Language::English => format!("Current file, {size}"),
        Language::Chinese => format!("当前文件，{size}"),
    }
}

pub(crate) fn rotated_file(number: u32, until: &str, size: &str, language: Language) -> String {
    match language {
        Language::English => format!(".{number}, to {until}, {size}"),
        Language::Chinese => format!(".{number}，至 {until}，{size}"),
    }
}

/// That the output of another child begins.
pub(crate) fn started(pid: u32, when: &str, language: Language) -> String {
    match language {
        Language::English => format!("Started {when}, pid {pid}."),
        Language::Chinese => format!("{when} 启动，PID {pid}。"),
    }
}

pub(crate) fn download_all(count: usize, language: Language) -> String {
    match language {
        Language::English => format!("Download all, {count} files"),
        Language::Chinese => format!("全部下载，{count} 个文件"),
    }
}

/// Where a log goes that cannot be read again.
pub(crate) fn goes_to(path: &str, language: Language) -> String {
    match language {
        Language::English => format!("The log goes to {path}, which cannot be read from here."),
        Language::Chinese => format!("日志写入 {path}，无法从此处读取。"),
    }
}

pub(crate) fn options_set(set: usize, left: usize, language: Language) -> String {
    match language {
        Language::English => format!("{set} set, {left} left at their defaults"),
        Language::Chinese => format!("已设置 {set} 项，{left} 项为默认值"),
    }
}

pub(crate) fn process_count(count: usize, language: Language) -> String {
    let text = figures::count(count);
    match (language, count) {
        (Language::English, 1) => "1 process".to_owned(),
        (Language::English, _) => format!("{text} processes"),
        (Language::Chinese, _) => format!("{text} 个进程"),
    }
}

pub(crate) fn update_groups(count: usize, language: Language) -> String {
    match (language, count) {
        (Language::English, 1) => "Update 1 group".to_owned(),
        (Language::English, _) => format!("Update {count} groups"),
        (Language::Chinese, _) => format!("更新 {count} 个组"),
    }
}

pub(crate) fn update_group(name: &str, language: Language) -> String {
    match language {
        Language::English => format!("Update {name}"),
        Language::Chinese => format!("更新 {name}"),
    }
}

pub(crate) fn others_untouched(count: usize, language: Language) -> String {
    match (language, count) {
        (Language::English, 0) => "in this order".to_owned(),
        (Language::English, 1) => "in this order; the other process is not touched".to_owned(),
        (Language::English, _) => {
            format!("in this order; the other {count} processes are not touched")
        }
        (Language::Chinese, 0) => "按此顺序".to_owned(),
        (Language::Chinese, _) => format!("按此顺序；其余 {count} 个进程不受影响"),
    }
}

pub(crate) fn restarts_and_down(restarts: u32, language: Language) -> String {
    match (language, restarts) {
        (Language::English, 1) => "1 restart".to_owned(),
        (Language::English, _) => format!("{restarts} restarts"),
        (Language::Chinese, _) => format!("重启 {restarts} 次"),
    }
}

pub(crate) fn change_count(changes: usize, language: Language) -> String {
    match (language, changes) {
        (Language::English, 1) => "1 change".to_owned(),
        (Language::English, _) => format!("{changes} changes"),
        (Language::Chinese, _) => format!("{changes} 次变化"),
    }
}

pub(crate) fn events_kept(count: usize, since: &str, language: Language) -> String {
    let text = figures::count(count);
    match (language, count) {
        (Language::English, 1) => format!("1 event, since {since}"),
        (Language::English, _) => format!("{text} events, since {since}"),
        (Language::Chinese, _) => format!("{text} 个事件，自 {since} 起"),
    }
}

pub(crate) fn a_minute(count: &str, language: Language) -> String {
    match language {
        Language::English => format!("{count} a minute"),
        Language::Chinese => format!("每分钟 {count} 个"),
    }
}

pub(crate) fn times(state: &str, count: usize, language: Language) -> String {
    match language {
        Language::English => format!("{state}, {count} times"),
        Language::Chinese => format!("{state}，{count} 次"),
    }
}

pub(crate) fn since(time: &str, language: Language) -> String {
    match language {
        Language::English => format!("since {time}"),
        Language::Chinese => format!("自 {time}"),
    }
}

pub(crate) fn the_last_at(ended: Option<&Ending>, time: &str, language: Language) -> String {
    let (at, gap) = match language {
        Language::English => (format!("the last at {time}"), "; "),
        Language::Chinese => (format!("最近一次在 {time}"), "；"),
    };
    let ended = ended.map(|ended| ended.text(language) + gap);
    ended.unwrap_or_default() + &at
}

pub(crate) fn remote(kind: &str, language: Language) -> String {
    match language {
        Language::English => format!("remote, type {kind}"),
        Language::Chinese => format!("远程，类型 {kind}"),
    }
}

/// The question about groups of the configuration.
pub(crate) fn ask_update(count: usize, language: Language) -> String {
    let update = update_groups(count, language);
    match language {
        Language::English => format!("{update}?"),
        Language::Chinese => format!("{update}？"),
    }
}

/// The question about a process, or about so many.
pub(crate) fn ask_about(verb: &str, name: &str, language: Language) -> String {
    match language {
        Language::English => format!("{verb} {name}?"),
        Language::Chinese => format!("{verb} {name}？"),
    }
}

/// The question about a signal to a process, or to so many.
pub(crate) fn ask_signal(signal: &str, name: &str, language: Language) -> String {
    match language {
        Language::English => format!("Send {signal} to {name}?"),
        Language::Chinese => format!("向 {name} 发送 {signal}？"),
    }
}

/// The question about the logs of a process, or of so many.
pub(crate) fn ask_clear(name: &str, language: Language) -> String {
    match language {
        Language::English => format!("Clear the log of {name}?"),
        Language::Chinese => format!("清空日志：{name}？"),
    }
}

/// That something could not be done, with what it is about if that is known.
pub(crate) fn not_done(about: &str, language: Language) -> String {
    match (language, about) {
        (_, "") => Word::WentWrong.to(language).to_owned(),
        (Language::English, about) => format!("{about}: this could not be done."),
        (Language::Chinese, about) => format!("{about}：未能完成。"),
    }
}

/// That a signal was sent.
pub(crate) fn sent(signal: &str, names: &str, language: Language) -> String {
    match language {
        Language::English => format!("{signal} was sent to {names}."),
        Language::Chinese => format!("已向 {names} 发送 {signal}。"),
    }
}

/// That logs were emptied.
pub(crate) fn cleared(names: &str, language: Language) -> String {
    match language {
        Language::English => format!("{names}: the log was cleared."),
        Language::Chinese => format!("{names}：日志已清空。"),
    }
}

pub(crate) fn type_to_go_on(
    count: usize,
    language: Language,
) -> (&'static str, String, &'static str) {
    match language {
        Language::English => ("Type ", count.to_string(), " to go on"),
        Language::Chinese => ("输入 ", count.to_string(), " 以继续"),
    }
}

pub(crate) fn stop_wait(longest_secs: i64, language: Language) -> String {
    match language {
        Language::English => format!(
            "Members of a group stop in reverse priority order; each has its own stopwaitsecs, \
             the longest is {longest_secs} s."
        ),
        Language::Chinese => {
            format!("组内成员按优先级逆序停止；各有自己的 stopwaitsecs，最长为 {longest_secs} 秒。")
        }
    }
}
